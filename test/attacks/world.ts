/**
 * What the attack tests share: one frozen world with two MX hosts, attacks by their YAML name, and
 * the verb `changes`.
 */

import { expect } from 'vitest';
import type { Attack } from '../../harness/model/attack.ts';
import { baselinePlan, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import type { DnsRecord, LabPlan } from '../../harness/model/plan.ts';

/** An attack by its name, or its name and options, as in YAML. */
export type Use = string | readonly [name: string, options: unknown];

/** The plan changed in place, to say what an attack should have made of it. */
export type Edit = (plan: any) => void;

export const world: LabPlan = deepFreeze(
  baselinePlan(
    {
      mx: [
        { host: 'mx1.victim.test', preference: 10 },
        { host: 'mx2.victim.test', preference: 20 },
      ],
      tlsrpt: true,
      records: [],
      requiretls: false,
      others: {},
    },
    DEFAULT_POLICY,
  ),
);

export async function attackNamed(name: string): Promise<Attack> {
  return (await import(`../../harness/attacks/${name}.ts`)).attack;
}

/**
 * The plan under these attacks, one after the other. Every plan on the way is frozen: an attack
 * that writes to its input throws.
 */
export async function under(plan: LabPlan, ...uses: readonly Use[]): Promise<LabPlan> {
  let result = plan;
  for (const use of uses) {
    const [name, options] = typeof use === 'string' ? [use, {}] : use;
    const attack = await attackNamed(name);
    result = deepFreeze(attack.apply(result, attack.options.parse(options)));
  }
  return result;
}

/** The attacks make exactly these edits of the world, and leave no other trace. */
export async function changes(uses: readonly Use[], edit: Edit): Promise<void> {
  const expected = structuredClone(world);
  edit(expected);
  expect(expected, 'the row edits nothing').not.toEqual(world);
  expect(await under(world, ...uses)).toStrictEqual(expected);
}

/**
 * The order of these attacks makes no difference, but for where in the zones a set of records
 * stands.
 */
export async function commute(...uses: readonly [Use, Use]): Promise<void> {
  expect(bySet(await under(world, ...uses))).toStrictEqual(
    bySet(await under(world, ...uses.toReversed())),
  );
}

function bySet(plan: LabPlan): LabPlan {
  const set = ({ name, type }: DnsRecord) => `${name} ${type}`;
  return {
    ...plan,
    dns: {
      ...plan.dns,
      records: plan.dns.records.toSorted((a, b) => set(a).localeCompare(set(b))),
    },
  };
}

/** The options are refused. */
export async function refuses(name: string, options: unknown): Promise<void> {
  const attack = await attackNamed(name);
  expect(() => attack.options.parse(options)).toThrow();
}

export function record(plan: any, name: string, type: string): any {
  return plan.dns.records.find((one: any) => one.name === name && one.type === type);
}

/** Takes every record of the name and type out, and puts these at the end. */
export function replace(
  plan: any,
  name: string,
  type: string,
  ...records: readonly unknown[]
): void {
  plan.dns.records = [
    ...plan.dns.records.filter((one: any) => one.name !== name || one.type !== type),
    ...records,
  ];
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
