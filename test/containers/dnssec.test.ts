/**
 * The lab's signed zones, before validators that others wrote: unbound-host (libunbound) and delv
 * (BIND) find each answer what the plan says it is.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { attack } from '../../harness/attacks/break-dnssec.ts';
import type { RunningContainer } from '../../harness/docker/container.ts';
import { ensureImage } from '../../harness/docker/images.ts';
import type { Lab } from '../../harness/lab/lab.ts';
import { connectLab } from '../../harness/lab/remote.ts';
import { type LabContainer, startLabContainer } from '../../harness/labs/lab-container.ts';
import { labImage } from '../../harness/labs/open.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import type { LabPlan } from '../../harness/model/plan.ts';
import { ruleFor, type Security, securityOf } from '../../harness/model/zone.ts';
import { openWorld, type TestWorld } from '../lab/world.ts';
import { describeWithEngine, engine, leftBy, NOTHING, startOne } from './engine.ts';

const ANCHOR = '/anchor.key';
const TLSA = '_25._tcp.mx1.victim.test';

const honest = baselinePlan(
  {
    ...DEFAULT_DOMAIN,
    dane: true,
    records: [
      { name: 'alias.victim.test', type: 'CNAME', target: 'mx1.victim.test' },
      { name: 'out.victim.test', type: 'CNAME', target: 'mx.attacker.test' },
    ],
  },
  DEFAULT_POLICY,
);

describeWithEngine("the lab's signed zones", () => {
  let container: LabContainer;
  let lab: Lab;
  let validators: RunningContainer;

  beforeAll(async () => {
    container = await startLabContainer(engine, labImage(), () => {});
    lab = await connectLab({
      control: container.control,
      secret: container.secret,
      network: container.subnet,
      docker: undefined,
    });
    const { dns, trust } = lab.access;
    const key = trust.dnssec.trim().split(' ').at(-1);
    const texts = {
      [ANCHOR]: trust.dnssec,
      '/unbound.conf': `server:\n trust-anchor-file: ${ANCHOR}\n local-zone: "test." nodefault\nforward-zone:\n name: "."\n forward-addr: ${dns.address}\n`,
      '/delv.anchor': `trust-anchors { . static-key 257 3 13 "${key}"; };\n`,
    };
    const image = await ensureImage(
      engine.dockerode,
      {
        name: 'validators',
        repository: 'holdfast-test',
        context: `${import.meta.dirname}/dnssec`,
        args: {},
      },
      () => {},
    );
    const { run, network } = container;
    const command = ['sleep', '600'];
    ({ container: validators } = await startOne({
      title: 'the validators',
      image,
      run,
      network,
      dns: dns.address,
      texts,
      command,
    }));
  });
  afterAll(async () => {
    await validators?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
    await container?.[Symbol.asyncDispose]();
    expect(await leftBy(process.pid)).toEqual(NOTHING);
  });

  const unboundHost = async (name: string, type: string) => {
    const said = await validators.run(`unbound-host -v -C /unbound.conf -t ${type} ${name} 2>&1`);
    return /\((secure|insecure|BOGUS)\b/.exec(said)?.[1]?.toLowerCase() ?? said;
  };
  const delv = async (name: string, type: string) => {
    const { address } = lab.access.dns;
    const said = await validators.run(
      `delv @${address} -a /delv.anchor +root=. ${name} ${type} 2>&1 || :`,
    );
    // It says so of each part of an answer.
    if (/^; (negative response, )?unsigned answer/m.test(said)) return 'insecure';
    if (/^; (negative response, )?fully validated/m.test(said)) return 'secure';
    return /resolution failed/.test(said) ? 'bogus' : said;
  };
  const inWorld = async (plan: LabPlan, see: (world: TestWorld) => Promise<void>) => {
    using world = openWorld(lab, plan);
    await see(world);
  };

  it.each([
    ['the domain', 'victim.test', 'MX', 'secure'],
    ['an address', 'mx1.victim.test', 'A', 'secure'],
    ['TLSA records', TLSA, 'TLSA', 'secure'],
    ['a key', 'victim.test', 'DNSKEY', 'secure'],
    ['an alias', 'alias.victim.test', 'A', 'secure'],
    ['an alias that leads out of the zone', 'out.victim.test', 'A', 'insecure'],
    ['a type that a name has not', 'mx1.victim.test', 'TXT', 'secure'],
    ['a name with nothing but names below it', '_tcp.mx1.victim.test', 'TLSA', 'secure'],
    ['a name that is not there', '_25._tcp.mx2.victim.test', 'TLSA', 'secure'],
    ['a delegation without DS', 'attacker.test', 'DS', 'secure'],
    ['what is below it', 'mx.attacker.test', 'A', 'insecure'],
    ['what is not below it', 'nothing.attacker.test', 'A', 'insecure'],
  ])('%s: %s %s is %s', async (_what, name, type, expected) => {
    await inWorld(honest, async (world) => {
      expect(await unboundHost(world.name(name), type)).toBe(expected);
      expect(await delv(world.name(name), type)).toBe(expected);
    });
  });

  it.each(['nobody.test', 'example.com', 'test'])('%s is securely not there', async (name) => {
    expect(await unboundHost(name, 'MX')).toBe('secure');
    expect(await delv(name, 'MX')).toBe('secure');
  });

  it.each<[string, Security]>([
    ['signatures-stripped', 'bogus'],
    ['signatures-expired', 'bogus'],
    ['signatures-not-yet-valid', 'bogus'],
    ['signatures-of-other-key', 'bogus'],
    ['signatures-of-unknown-algorithm', 'bogus'],
    ['denial-missing', 'bogus'],
    ['denial-forged', 'bogus'],
    ['denial-unsigned', 'bogus'],
    ['ad-claimed', 'bogus'],
    ['ds-removed', 'insecure'],
    ['ds-withheld', 'bogus'],
    ['ds-of-other-key', 'bogus'],
    ['ds-of-unknown-algorithm', 'insecure'],
  ])('%s leaves the answer %s, and the plan says so', async (how, expected) => {
    const plan = attack.apply(honest, attack.options.parse({ how }));
    const rule = ruleFor(plan.dns, TLSA, 'TLSA');
    expect(securityOf(plan.dns, TLSA, 'TLSA', rule)).toBe(expected);
    await inWorld(plan, async (world) => {
      expect(await unboundHost(world.name(TLSA), 'TLSA')).toBe(expected);
      expect(await delv(world.name(TLSA), 'TLSA')).toBe(expected);
    });
  });

  it('a claim that an unsigned zone is secure convinces nobody', async () => {
    const unsigned = { ...honest, dns: { ...honest.dns, secure: [] } };
    const plan = attack.apply(unsigned, attack.options.parse({ how: 'ad-claimed' }));
    await inWorld(plan, async (world) => {
      expect(await unboundHost(world.name(TLSA), 'TLSA')).toBe('insecure');
      expect(await delv(world.name(TLSA), 'TLSA')).toBe('insecure');
    });
  });

  it('a look-up that fails stays a failure', async () => {
    const rule = { name: TLSA, type: 'TLSA', answer: 'servfail' } as const;
    const plan = { ...honest, dns: { ...honest.dns, rules: [rule] } };
    await inWorld(plan, async (world) => {
      expect(await unboundHost(world.name(TLSA), 'TLSA')).toMatch(/SERVFAIL/);
    });
  });
});
