import { describe, expect, it } from 'vitest';
import { DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import type { Scenario, Step } from '../../harness/model/scenario.ts';
import { loadScenario } from '../../harness/scenario/load.ts';
import { formatProblem } from '../../harness/yaml/problems.ts';
import { HEAD, vocabulary } from './vocabulary.ts';

function load(text: string): readonly Scenario[] {
  const { scenarios, problems } = loadScenario(text, 'held.yaml', 'starttls/held', vocabulary);
  expect(problems.map(formatProblem)).toEqual([]);
  return scenarios;
}

/** A step that expects something, as a scenario has to. */
const ASKED = '{ send: last, expect: [enforced] }';
const one = (text: string): Scenario => load(HEAD + text)[0]!;
const steps = (text: string): readonly Step[] => one(text).stages.map(({ step }) => step);
const policies = (text: string) =>
  steps(text).flatMap((step) => (step.kind === 'publish' ? [step.policy] : []));
const STRIP = { name: 'strip-starttls', options: { how: 'remove', mx: '*' } };
const ENFORCED = { name: 'enforced', options: {} };

describe('a scenario', () => {
  it('is filled in from the defaults', () => {
    expect(load(`${HEAD}steps: [prime, ${ASKED}]`)).toEqual([
      {
        id: 'starttls/held',
        file: 'held.yaml',
        title: 'Held',
        why: 'Because.',
        requirements: ['8461-5-enforce'],
        needs: ['mta-sts'],
        domain: DEFAULT_DOMAIN,
        policy: DEFAULT_POLICY,
        stages: [
          expect.objectContaining({ step: { kind: 'prime', label: 'prime' } }),
          expect.objectContaining({ step: expect.objectContaining({ label: 'last' }) }),
        ],
      },
    ]);
  });

  it('comes once for each variant, in their order', () => {
    const scenarios = load(`${HEAD}
policy: { mode: enforce, max_age: 1w }
variants:
  plain-removed: { under: [strip-starttls] }
  as-cisco: { title: Overwritten, under: [{ strip-starttls: { how: overwrite } }], policy: { mode: testing }, domain: { tlsrpt: false } }
steps:
  - prime
  - send: attacked
    under: $variant
    expect: [enforced]
  - recover
`);
    const sent = (under: object): Step[] => [
      { kind: 'prime', label: 'prime' },
      {
        kind: 'send',
        label: 'attacked',
        under: [under as never],
        expect: [ENFORCED],
        messages: 1,
        to: 'victim.test',
        keepConnections: false,
      },
      { kind: 'recover', label: 'recover' },
    ];
    expect(
      scenarios.map(({ id, title, policy, domain, stages }) => ({
        id,
        title,
        policy,
        domain,
        steps: stages.map(({ step }) => step),
      })),
    ).toEqual([
      {
        id: 'starttls/held@plain-removed',
        title: 'Held',
        policy: DEFAULT_POLICY,
        domain: DEFAULT_DOMAIN,
        steps: sent(STRIP),
      },
      {
        id: 'starttls/held@as-cisco',
        title: 'Overwritten',
        policy: { ...DEFAULT_POLICY, mode: 'testing' },
        domain: { ...DEFAULT_DOMAIN, tlsrpt: false },
        steps: sent({ name: 'strip-starttls', options: { how: 'overwrite', mx: '*' } }),
      },
    ]);
  });

  it('is the same read back from JSON', () => {
    const [scenario] = load(
      `${HEAD}policy: { text: "a\\nb", record: [x, y] }\nsteps: [{ send: a, expect: [{ delivered: { grade: warn } }] }]`,
    );
    expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario);
  });
});

describe('steps', () => {
  it('of every kind', () => {
    expect(
      steps(`
steps:
  - prime: learns
  - { send: a, to: victim.test., messages: 3, expect: [enforced] }
  - advance: 2d
  - { advance: 90, optional: true }
  - restart
  - flush
  - { flush: again, under: [strip-starttls], expect: [enforced] }
  - recover: healed
  - wait: 2s
`),
    ).toEqual([
      { kind: 'prime', label: 'learns' },
      {
        kind: 'send',
        label: 'a',
        under: [],
        expect: [ENFORCED],
        messages: 3,
        to: 'victim.test.',
        keepConnections: false,
      },
      { kind: 'advance', label: 'advance 172800s', seconds: 172_800, isOptional: false },
      { kind: 'advance', label: 'advance 90s', seconds: 90, isOptional: true },
      { kind: 'restart', label: 'restart' },
      { kind: 'flush', label: 'flush', under: [], expect: [] },
      { kind: 'flush', label: 'again', under: [STRIP], expect: [ENFORCED] },
      { kind: 'recover', label: 'healed' },
      { kind: 'wait', label: 'wait 2s', seconds: 2 },
    ]);
  });

  it.each([
    ['7', 7],
    ['90s', 90],
    ['5m', 300],
    ['1h', 3_600],
    ['1d', 86_400],
    ['1w', 604_800],
  ])('last %s', (written, seconds) => {
    expect(steps(`steps: [{ advance: ${written} }, ${ASKED}]`).slice(0, 1)).toEqual([
      { kind: 'advance', label: `advance ${seconds}s`, seconds, isOptional: false },
    ]);
  });

  it('take attacks by bare name, by shorthand and by options, the variant’s among them', () => {
    const [scenario] = load(`${HEAD}
domain: { mx: [mx1.victim.test, mx2.victim.test] }
variants: { first: { under: [{ reply: { code: 454, when: { on: connection, nth: [1] } } }, reply: { code: 500 }] } }
steps:
  - send: a
    under: [strip-starttls, $variant, { strip-starttls: overwrite }, { strip-starttls: { mx: [mx1.victim.test] } }]
    expect: [enforced]
`);
    expect((scenario!.stages[0]!.step as Extract<Step, { kind: 'send' }>).under).toEqual([
      STRIP,
      { name: 'reply', options: { code: 454, when: { on: 'connection', nth: [1] } } },
      { name: 'reply', options: { code: 500 } },
      { name: 'strip-starttls', options: { how: 'overwrite', mx: '*' } },
      { name: 'strip-starttls', options: { how: 'remove', mx: ['mx1.victim.test'] } },
    ]);
  });

  it('lift grade and requirement out of what is expected', () => {
    const [scenario] = load(`${HEAD}
variants: { v: { expect: [{ delivered: authenticated }] } }
steps:
  - send: a
    expect: [{ delivered: { channel: plain, grade: warn, requirement: 8461-3.1-id } }, { enforced: { grade: warn } }, $variant]
  - { send: b, expect: $variant }
`);
    const expected = scenario!.stages.map(({ step }) => (step.kind === 'send' ? step.expect : []));
    const delivered = { name: 'delivered', options: { channel: 'authenticated' } };
    expect(expected).toEqual([
      [
        {
          name: 'delivered',
          options: { channel: 'plain' },
          grade: 'warn',
          requirement: '8461-3.1-id',
        },
        { name: 'enforced', options: {}, grade: 'warn' },
        delivered,
      ],
      [delivered],
    ]);
  });
});

describe('the domain', () => {
  it('is as written, the rest by default', () => {
    expect(
      one(`
domain:
  mx: [mx1.victim.test, { host: mx2.victim.test, preference: 20 }, { host: mx3.victim.test }]
  records:
    - { name: sub.victim.test, type: A, host: 192.0.2.1, ttl: 5 }
    - { name: sub.victim.test, type: MX, preference: 0, exchange: . }
    - { name: sub.victim.test, type: TXT, text: [a, b] }
    - { name: www.victim.test., type: CNAME, target: sub.victim.test }
    - { name: _25._tcp.mx1.victim.test, type: TLSA, usage: 3, selector: 1, matching: 1, data: 00fF }
steps: [${ASKED}]`).domain,
    ).toEqual({
      mx: [
        { host: 'mx1.victim.test', preference: 10 },
        { host: 'mx2.victim.test', preference: 20 },
        { host: 'mx3.victim.test', preference: 10 },
      ],
      tlsrpt: true,
      records: [
        { name: 'sub.victim.test', type: 'A', host: '192.0.2.1', ttl: 5 },
        { name: 'sub.victim.test', type: 'MX', preference: 0, exchange: '.' },
        { name: 'sub.victim.test', type: 'TXT', text: ['a', 'b'] },
        { name: 'www.victim.test.', type: 'CNAME', target: 'sub.victim.test' },
        {
          name: '_25._tcp.mx1.victim.test',
          type: 'TLSA',
          usage: 3,
          selector: 1,
          matching: 1,
          data: '00fF',
        },
      ],
    });
  });

  it('can be published anew, and attacks see it so', () => {
    const [publish] = steps(`
steps:
  - { publish: moved, domain: { mx: [mx9.victim.test] } }
  - { send: a, under: [{ strip-starttls: { mx: mx9.victim.test } }], expect: [enforced] }
`);
    expect(publish).toEqual({
      kind: 'publish',
      label: 'moved',
      policy: { ...DEFAULT_POLICY, id: 'step1' },
      domain: { ...DEFAULT_DOMAIN, mx: [{ host: 'mx9.victim.test', preference: 10 }] },
      keepConnections: false,
    });
  });
});

describe('the policy', () => {
  it.each<[string, object]>([
    ['absent', { ...DEFAULT_POLICY, mode: 'absent' }],
    ['{}', DEFAULT_POLICY],
    ['{ mode: testing, max_age: 5m }', { ...DEFAULT_POLICY, mode: 'testing', maxAgeSeconds: 300 }],
    ['{ max_age: 0, mx: [], id: abc }', { ...DEFAULT_POLICY, maxAgeSeconds: 0, mx: [], id: 'abc' }],
    [
      "{ text: '', record: 'v=STSv1; id=1;' }",
      { ...DEFAULT_POLICY, text: '', record: 'v=STSv1; id=1;' },
    ],
  ])('%s', (written, policy) => {
    expect(one(`policy: ${written}\nsteps: [${ASKED}]`).policy).toEqual(policy);
  });

  it('is published over the one before, under a new id unless one is given', () => {
    const published = policies(`
policy: { mode: testing, max_age: 1h }
steps:
  - prime
  - { publish: stricter, policy: { mode: enforce } }
  - { publish: named, policy: { id: named } }
  - { publish: only announced }
  - { publish: gone, policy: absent }
  - { publish: back, policy: { mode: none } }
  - ${ASKED}
`);
    expect(published).toEqual([
      { mode: 'enforce', maxAgeSeconds: 3_600, id: 'step2' },
      { mode: 'enforce', maxAgeSeconds: 3_600, id: 'named' },
      { mode: 'enforce', maxAgeSeconds: 3_600, id: 'step4' },
      { mode: 'absent', maxAgeSeconds: 3_600, id: 'step5' },
      { mode: 'none', maxAgeSeconds: 3_600, id: 'step6' },
    ]);
  });

  it('loses what it had word for word to what is given anew', () => {
    const published = policies(`
policy: { text: old, record: v=STSv1; id=old; }
steps:
  - { publish: a, policy: { id: b } }
  - { publish: b, policy: { record: [v=STSv1; id=c;, ' x=y'] } }
  - { publish: c, policy: { max_age: 1 } }
  - { publish: d, policy: { text: new } }
  - ${ASKED}
`);
    expect(published).toEqual([
      { ...DEFAULT_POLICY, text: 'old', id: 'b' },
      { ...DEFAULT_POLICY, text: 'old', id: 'step2', record: ['v=STSv1; id=c;', ' x=y'] },
      { ...DEFAULT_POLICY, maxAgeSeconds: 1, id: 'step3' },
      { ...DEFAULT_POLICY, maxAgeSeconds: 1, id: 'step4', text: 'new' },
    ]);
  });

  it('and the domain can be published from the variant', () => {
    const [scenario] = load(`${HEAD}
variants: { v: { publish: { policy: { mode: none, id: second }, domain: { tlsrpt: false } } } }
steps: [{ publish: b, policy: $variant, domain: $variant }, ${ASKED}]`);
    expect(scenario!.stages.slice(0, 1).map(({ step }) => step)).toEqual([
      {
        kind: 'publish',
        label: 'b',
        policy: { ...DEFAULT_POLICY, mode: 'none', id: 'second' },
        domain: { ...DEFAULT_DOMAIN, tlsrpt: false },
        keepConnections: false,
      },
    ]);
  });
});

describe('YAML', () => {
  it('is 1.2: yes and no are words, and anchors may be used', () => {
    const [scenario] = load(`\uFEFFtitle: yes
why: no
requirements: [8461-5-enforce]
steps:
  - &send { send: a, under: &strip [strip-starttls], expect: [enforced] }
  - { send: b, under: *strip, expect: [enforced] }
  - *send
`);
    expect(scenario).toMatchObject({
      title: 'yes',
      why: 'no',
      stages: [
        { step: { label: 'a', under: [STRIP] } },
        { step: { label: 'b', under: [STRIP] } },
        { step: { label: 'a' } },
      ],
    });
  });
});
