/**
 * Coverage: which requirements the scenarios ask of a sender, and how that is known.
 *
 * To name a requirement covers nothing. It is covered where a scenario was seen to find it broken: a
 * fault of the reference sender broke it, and the scenario's finding said so.
 */

import type { KnownList } from '../model/known.ts';
import { type Level, REQUIREMENTS, type Requirement } from '../model/requirements.ts';
import type { Scenario } from '../model/scenario.ts';
import { selects } from '../model/selection.ts';
import { GRADES, type Grade, type Verdict } from '../model/verdict.ts';
import type { Gap } from './gaps.ts';

/** A scenario that finds a requirement broken by each of these faults of the reference sender. */
export interface Proof {
  readonly requirement: string;
  /** An id, with its variant. */
  readonly scenario: string;
  readonly faults: readonly string[];
}

export interface Covered extends Requirement {
  readonly id: string;
  /** None: it is not covered. */
  readonly proofs: readonly Omit<Proof, 'requirement'>[];
  /** The ids of scenarios that name it, though no fault shows that they find it broken. */
  readonly named: readonly string[];
  /** Why it is not covered. */
  readonly reason?: string;
}

/** Every requirement, in the order of the table; of `scenarios` only what they name matters. */
export function coverageOf(
  scenarios: readonly Pick<Scenario, 'id' | 'requirements'>[],
  proofs: readonly Proof[],
  gaps: readonly Gap[],
): Covered[] {
  const byRequirement = Map.groupBy(proofs, ({ requirement }) => requirement);
  return Object.entries(REQUIREMENTS).map(([id, requirement]) => {
    const own = byRequirement.get(id) ?? [];
    const proved = new Set(own.map(({ scenario }) => scenario));
    return {
      id,
      ...requirement,
      proofs: own.map(({ scenario, faults }) => ({ scenario, faults })),
      named: scenarios
        .filter((scenario) => scenario.requirements.includes(id) && !proved.has(scenario.id))
        .map((scenario) => scenario.id),
      reason: own.length > 0 ? undefined : reasonOf(id, requirement, gaps),
    };
  });
}

function reasonOf(id: string, { level, testable }: Requirement, gaps: readonly Gap[]) {
  const given = gaps.find(({ requirements }) => requirements.includes(id))?.reason;
  if (given !== undefined) return given;
  if (testable === 'no') return 'Nothing on the wire could show it.';
  return level === 'MAY' ? 'The RFC leaves it to the sender: nothing can be failed.' : undefined;
}

export const isCovered = ({ proofs }: Pick<Covered, 'proofs'>): boolean => proofs.length > 0;

/** Whether it has to be covered, or there has to be a reason why not: no MAY, and a lab can ask it. */
export const isDue = ({ level, testable }: Pick<Requirement, 'level' | 'testable'>): boolean =>
  level !== 'MAY' && testable !== 'no';

// ---- what senders did ----

/** Of the scenarios that cover a requirement, those that a sender is known to fail. */
export interface KnownToFail {
  readonly sender: string;
  readonly scenarios: readonly string[];
}

/** Senders whose lists name none of the scenarios are left out. */
export function knownToFail(
  { proofs }: Pick<Covered, 'proofs'>,
  lists: readonly KnownList[],
): KnownToFail[] {
  return lists.flatMap(({ sender, entries }) => {
    const scenarios = proofs
      .map(({ scenario }) => scenario)
      .filter((id) => entries.some((entry) => selects(entry.scenarios, id)));
    return scenarios.length > 0 ? [{ sender, scenarios }] : [];
  });
}

/** How a sender did in the scenarios that cover a requirement: how many verdicts of each grade. */
export interface Scored {
  readonly sender: string;
  readonly grades: Readonly<Partial<Record<Grade, number>>>;
}

/** By name; senders that were tried in none of them are left out. */
export function scoredIn(
  { proofs }: Pick<Covered, 'proofs'>,
  verdicts: readonly Pick<Verdict, 'sender' | 'scenario' | 'grade'>[],
): Scored[] {
  const wanted = new Set(proofs.map(({ scenario }) => scenario));
  const own = verdicts
    .filter(({ scenario }) => wanted.has(scenario))
    .toSorted((a, b) => (a.sender < b.sender ? -1 : 1));
  return [...Map.groupBy(own, ({ sender }) => sender)].map(([sender, all]) => ({
    sender,
    grades: Object.fromEntries(
      GRADES.flatMap((grade) => {
        const count = all.filter((one) => one.grade === grade).length;
        return count > 0 ? [[grade, count]] : [];
      }),
    ),
  }));
}

// ---- the sums ----

/** MUST and MUST NOT are counted together, and SHOULD with SHOULD NOT. */
export type Weight = 'MUST' | 'SHOULD';

export interface Share {
  readonly covered: number;
  /** How many are due. */
  readonly of: number;
}

export type Shares = Readonly<Record<Weight, Share>>;

/** The part that has to be covered before a release. */
export const AIM: Readonly<Record<Weight, number>> = { MUST: 0.98, SHOULD: 0.9 };

/** By RFC in the order of the table, and of all, which is what the aim is about. */
export function sharesOf(rows: readonly Covered[]): {
  readonly byRfc: ReadonlyMap<string, Shares>;
  readonly all: Shares;
} {
  return {
    byRfc: new Map([...Map.groupBy(rows, ({ rfc }) => rfc)].map(([rfc, own]) => [rfc, count(own)])),
    all: count(rows),
  };
}

function count(rows: readonly Covered[]): Shares {
  const share = (weight: Weight): Share => {
    const own = rows.filter((row) => isDue(row) && weightOf(row.level) === weight);
    return { covered: own.filter(isCovered).length, of: own.length };
  };
  return { MUST: share('MUST'), SHOULD: share('SHOULD') };
}

/** `76 of 95, 80 %`; rounded down, so that 100 % is all of them. */
export const shareInWords = ({ covered, of }: Share): string =>
  of === 0 ? '' : `${covered} of ${of}, ${Math.floor((100 * covered) / of)} %`;

/** `MUST NOT` → `MUST` */
export const weightOf = (level: Level): string => level.split(' ')[0]!;
