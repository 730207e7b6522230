/**
 * The judge: grades, controls, the lab's own health; and that nothing but proof makes a pass.
 */

import { describe, expect, test } from 'vitest';
import { gradeOf } from '../../harness/judge/grade.ts';
import { judge, SLOW_LAB } from '../../harness/judge/judge.ts';
import { DEFAULT_DOMAIN, DEFAULT_POLICY, permittedMx } from '../../harness/model/baseline.ts';
import type { ExpectationUse, Scenario, Step } from '../../harness/model/scenario.ts';
import { CAPABILITIES } from '../../harness/model/sender.ts';
import type { Expectation, Grade, Judgement, Verdict } from '../../harness/model/verdict.ts';
import {
  type EvidenceBuilder,
  evidence,
  expectations,
  flush,
  prime,
  recover,
  scenarioOf,
  send,
  trialOf,
  use,
} from '../evidence.ts';

const ENFORCED = [prime, send(use('enforced')), recover];
const attacked = () => evidence().primed().step(1).submit();
/** The evidence of a sender that does all right under ENFORCED. */
const right = () => {
  const made = attacked().turnsAway().status('deferred').unprotected().step(2);
  return made
    .see({ kind: 'queue-flushed' })
    .mx()
    .connect()
    .ehlo()
    .tls()
    .delivered()
    .quit()
    .status('delivered');
};
const verdictOf = (
  made: EvidenceBuilder,
  steps: readonly Step[] = ENFORCED,
  change: Partial<Scenario> = {},
): Verdict => judge(trialOf(made, scenarioOf(steps, change)), expectations);
const gradesOf = ({ findings }: Verdict) =>
  findings.map((finding) => `${finding.step} ${finding.expectation} ${finding.grade}`);

test('a sender that does all right passes', () => {
  expect(verdictOf(right().health())).toMatchObject({
    grade: 'pass',
    remarks: [],
    exposure: 'none',
  });
});

test('a leak fails, and tells how much was exposed', () => {
  const verdict = verdictOf(attacked().leaks().status('delivered').unprotected().step(2).health());
  expect(verdict).toMatchObject({ grade: 'fail', exposure: 'content' });
  expect(gradesOf(verdict)).toEqual(['0 control pass', '1 enforced fail', '2 recovered pass']);
});

test('a policy that may not have counted makes no failure, whatever was expected', () => {
  const body = 'version: STSv1\n\nmode: none\nmax_age: 604800\n';
  const made = () => attacked().fetch({ body }).leaks().status('delivered').step(2).health();
  for (const steps of [ENFORCED, [prime, send(use('delivered')), recover]]) {
    const { grade, findings } = verdictOf(made(), steps);
    const doubtful = findings.filter(({ harm }) => harm === 'content');
    expect(doubtful).toMatchObject(
      [{ grade: 'warn', actual: /if that counted: .*some readings/ }].map((one) => ({
        ...one,
        actual: expect.stringMatching(one.actual),
      })),
    );
    expect(grade).toBe('warn');
  }
});

test('a warning about one domain hides no failure about another', () => {
  const overTls = (made: EvidenceBuilder, domain: string) =>
    made
      .mx(domain)
      .connect(`mx1.${domain}`)
      .ehlo()
      .tls({ authenticated: false })
      .delivered()
      .status('delivered');
  const body = 'version: STSv1\nmode: enforce\nmx: mx1.other.test\nmax_age: 604800\n';
  const other = evidence()
    .primed()
    .step(1)
    .submit('other.test')
    .txt('_mta-sts.other.test')
    .fetch({ host: 'mta-sts.other.test', body });
  const both = overTls(overTls(other, 'other.test').submit(), 'victim.test');
  const minor = use(
    'delivered',
    { channel: 'authenticated' },
    { for: 'other.test', grade: 'warn' },
  );
  const verdict = verdictOf(both.health(), [prime, send(minor)]);
  expect(gradesOf(verdict)).toEqual(['0 control pass', '1 delivered warn', '1 exposure fail']);
});

describe('grades', () => {
  const unmet = (harm?: Judgement['harm']): Judgement => ({
    status: 'unmet',
    actual: '',
    because: [],
    harm,
  });
  const plain: ExpectationUse = { name: 'any', options: {} };
  const capped: ExpectationUse = { ...plain, grade: 'warn' };
  const [keyword, grammar, prose, derived, should] = [
    '8461-5-enforce-no-starttls',
    '8461-3.2-line-terms',
    '8461-4.1-exact',
    '8461-5-enforce-handshake-fail',
    '8461-5-transient',
  ] as const;

  test.each<[Grade, string, Judgement, string, ExpectationUse]>([
    ['pass', 'met', { ...unmet(), status: 'met' }, keyword, plain],
    ['inconclusive', 'undecided', { ...unmet(), status: 'undecided' }, keyword, plain],
    [
      'inconclusive',
      'undecided, whatever harm is named',
      { ...unmet('content'), status: 'undecided' },
      keyword,
      plain,
    ],
    ['unsupported', 'unsupported', { ...unmet(), status: 'unsupported' }, keyword, plain],
    ['fail', 'a MUST by its keyword', unmet(), keyword, plain],
    ['fail', 'a MUST by the grammar', unmet(), grammar, plain],
    ['warn', 'a MUST in prose', unmet(), prose, plain],
    ['warn', 'a MUST by inference', unmet(), derived, plain],
    ['warn', 'a SHOULD', unmet(), should, plain],
    [
      'fail',
      'content exposed, the requirement being only inferred',
      unmet('content'),
      derived,
      plain,
    ],
    ['fail', 'content exposed, the requirement being a SHOULD', unmet('content'), should, plain],
    ['fail', 'mail lost', unmet('mail-lost'), should, plain],
    ['warn', 'only the envelope exposed', unmet('envelope'), keyword, plain],
    ['warn', 'content exposed, capped', unmet('content'), keyword, capped],
    [
      'warn',
      'content exposed, and the policy may not have counted',
      { ...unmet('content'), doubt: 'it may have come too late' },
      keyword,
      plain,
    ],
    ['fail', 'content exposed in clear, capped', unmet('clear'), keyword, capped],
    ['fail', 'mail lost, capped', unmet('mail-lost'), keyword, capped],
    ['fail', 'mail returned, capped', unmet('returned'), should, capped],
    ['warn', 'a MUST, capped', unmet(), keyword, capped],
    ['pass', 'met, capped', { ...unmet(), status: 'met' }, keyword, capped],
    ['inconclusive', 'undecided, capped', { ...unmet(), status: 'undecided' }, keyword, capped],
  ])('%s: %s', (grade, _what, judgement, requirement, use) =>
    expect(gradeOf(judgement, requirement, use)).toBe(grade),
  );

  test('an unknown requirement is an error', () =>
    expect(() => gradeOf(unmet(), '0-no-such', plain)).toThrow(RangeError));
});

describe('the requirement of a finding', () => {
  const requirementOf = (made: EvidenceBuilder, of: ExpectationUse) =>
    verdictOf(made.health(), [prime, send(of)]).findings[1]!.requirement;
  const leaking = () => attacked().leaks().status('delivered');
  test.each([
    ["the scenario's first", leaking(), use('enforced'), '8461-5-enforce-no-starttls'],
    ["the expectation's own", leaking(), use('deferred'), '5321-4.5.4.1-queue'],
    [
      'the one given in the scenario',
      leaking(),
      use('deferred', {}, { requirement: '8461-7.2-tls-guidance' }),
      '8461-7.2-tls-guidance',
    ],
    [
      'the one that was broken instead',
      attacked().txt().turnsAway().status('bounced'),
      use('enforced', {}, { requirement: '8461-3.3-cached-policy-applies' }),
      '8461-5-transient',
    ],
  ])('%s', (_what, made, of, requirement) => expect(requirementOf(made, of)).toBe(requirement));

  test('a bounce after a look for a new policy breaks a SHOULD, all the way', () => {
    const steps = [
      prime,
      send(
        use('enforced', {}, { requirement: '8461-3.3-cached-policy-applies' }),
        use('not-bounced'),
      ),
      recover,
    ];
    const verdict = verdictOf(
      attacked().txt().turnsAway().dsn('failed').status('bounced').unprotected().step(2).health(),
      steps,
    );
    expect(verdict.findings.map((finding) => finding.grade)).toEqual([
      'pass',
      'warn',
      'warn',
      'warn',
    ]);
  });
});

describe('the positive control', () => {
  const control = (made: EvidenceBuilder, change: Partial<Scenario> = {}) =>
    verdictOf(made.health(), [prime], change).findings[0];
  const honest = () => evidence().step(0).submit();

  test.each<[Grade, string, EvidenceBuilder, RegExp]>([
    ['pass', 'delivered under the policy', evidence().primed(), /delivered/],
    ['inconclusive', 'nothing was sent', evidence().step(0), /never sent/],
    [
      'inconclusive',
      'deferred',
      honest().txt().fetch().turnsAway().status('deferred', 'no route'),
      /not delivered \(deferred: no route\)/,
    ],
    ['inconclusive', 'no word', honest().txt().fetch(), /not delivered \(pending\)/],
    ['inconclusive', 'bounced', honest().txt().fetch().status('bounced'), /bounced/],
    [
      'fail',
      'the sender declares MTA-STS and never asks',
      honest().leaks().status('delivered'),
      /never asked for _mta-sts/,
    ],
    [
      'fail',
      'it asks for its own domain only',
      honest().txt('_mta-sts.sender.test').leaks(),
      /never asked for _mta-sts/,
    ],
    [
      'inconclusive',
      'the policy was not got',
      honest().txt().leaks().status('delivered'),
      /never got$/,
    ],
    [
      'inconclusive',
      'the policy host was turned down by an alert',
      honest()
        .txt()
        .policyTls({ result: 'failed', reason: 'alert:unknown_ca' })
        .leaks()
        .status('delivered'),
      /trust the lab's authority/,
    ],
    [
      'inconclusive',
      'it asks later than the step',
      honest().leaks().status('delivered').step(1).txt(),
      /never got/,
    ],
    ['inconclusive', 'in clear', honest().txt().fetch().leaks().status('delivered'), /in clear/],
    [
      'inconclusive',
      'over unauthenticated TLS',
      honest().txt().fetch().connect().tls({ authenticated: false }).delivered(),
      /unauthenticated TLS/,
    ],
    [
      'inconclusive',
      'an error page instead of the policy',
      honest().txt().fetch({ status: 500 }).connect().tls().delivered(),
      /never got/,
    ],
  ])('%s: %s', (grade, _what, made, actual) =>
    expect(control(made)).toMatchObject({
      grade,
      expectation: 'control',
      actual: expect.stringMatching(actual),
    }),
  );

  test('needs no policy where none is published, no TLS under mode none, and neither where the scenario is not about MTA-STS', () => {
    expect(control(evidence().step(0, 'main', { mode: 'absent' }).submit().leaks())).toMatchObject({
      grade: 'pass',
    });
    expect(
      control(evidence().step(0, 'main', { mode: 'none' }).submit().txt().fetch().leaks()),
    ).toMatchObject({ grade: 'pass' });
    expect(
      control(evidence().step(0).submit().leaks(), {
        needs: [],
        requirements: ['3207-6-opportunistic'],
      }),
    ).toMatchObject({
      grade: 'pass',
      expected: 'honest delivery',
      requirement: '3207-6-opportunistic',
    });
  });

  test('of a sending step without a prime is its control leg', () => {
    const cold = () =>
      evidence().step(0).submit().txt().fetch().turnsAway().status('deferred').unprotected();
    const steps = [send(use('enforced'))];
    expect(verdictOf(cold().controlled().health(), steps).grade).toBe('pass');
    expect(gradesOf(verdictOf(cold().health(), steps))).toEqual([
      '0 enforced inconclusive',
      '0 control inconclusive',
    ]);
  });

  const untrusting = () =>
    evidence().step(0).submit().txt().mx().connect().ehlo().tls().delivered().status('delivered');

  test('that failed leaves what rests on the wire alone', () => {
    const steps = [
      prime,
      send(use('exposed'), use('starttls-clean', { rule: 'no-parameters' }), use('delivered')),
    ];
    const made = untrusting()
      .step(1)
      .submit()
      .connect()
      .ehlo()
      .command('STARTTLS now')
      .delivered()
      .status('delivered')
      .health();
    expect(gradesOf(verdictOf(made, steps))).toEqual([
      '0 control inconclusive',
      '1 exposed inconclusive',
      '1 starttls-clean warn',
      '1 delivered inconclusive',
    ]);
  });

  test('that failed is behind the steps after it as well', () => {
    const steps = [prime, send(use('enforced')), flush(use('exposed')), recover];
    const made = untrusting()
      .step(1)
      .submit()
      .turnsAway()
      .status('deferred')
      .step(2)
      .leaks()
      .status('delivered')
      .step(3)
      .health();
    expect(gradesOf(verdictOf(made, steps))).toEqual([
      '0 control inconclusive',
      '1 enforced inconclusive',
      '2 exposed inconclusive',
      '3 recovered inconclusive',
    ]);
    expect(verdictOf(made, steps).grade).toBe('inconclusive');
  });

  test('of a step without a prime is behind the flush and the recovery after it', () => {
    const made = evidence()
      .step(0)
      .submit()
      .turnsAway()
      .status('deferred')
      .step(1)
      .leaks()
      .status('delivered')
      .health();
    expect(gradesOf(verdictOf(made, [send(), flush(use('exposed'))]))).toEqual([
      '0 control inconclusive',
      '1 exposed inconclusive',
    ]);
  });

  test('alone makes no pass of what could not be tried', () => {
    const silent = CAPABILITIES.filter((capability) => !capability.startsWith('tlsrpt'));
    const scenario = scenarioOf([prime, send(use('not-reported'))]);
    expect(judge(trialOf(attacked().health(), scenario, silent), expectations).grade).toBe(
      'unsupported',
    );
    const delivers = scenarioOf([prime, send(use('not-bounced'), use('not-reported'))]);
    const held = attacked().turnsAway().status('deferred').health();
    expect(judge(trialOf(held, delivers, silent), expectations).grade).toBe('pass');
  });
});

describe('the negative control', () => {
  const remarks = (made: EvidenceBuilder) =>
    verdictOf(made.step(2).connect().tls().delivered().health()).remarks;
  const deferred = () => attacked().turnsAway().status('deferred');
  test('says nothing where the fault alone stops no mail', () =>
    expect(remarks(deferred().unprotected('delivered'))).toEqual([]));
  test.each(['deferred', 'bounced'] as const)(
    'tells of a sender that is strict of its own: %s',
    (outcome) => {
      expect(remarks(deferred().unprotected(outcome))).toEqual([
        expect.stringMatching(/refused without a policy too/),
      ]);
    },
  );
  test('does not take silence for a refusal', () => {
    const made = deferred().step(1, 'unprotected').submit();
    expect(remarks(made)).toEqual([expect.stringMatching(/not seen before the wait was over/)]);
  });
  test('is a remark, and no grade', () => {
    const made = deferred().unprotected('deferred').step(2).connect().tls().delivered().health();
    expect(verdictOf(made).grade).toBe('pass');
  });
});

describe('inconclusive, whatever else', () => {
  const leaking = () => attacked().leaks().status('delivered').step(2);
  test.each<[string, () => EvidenceBuilder, Grade]>([
    ['right', right, 'inconclusive'],
    // What passed in clear has passed, whatever went wrong besides.
    ['leaking', leaking, 'fail'],
  ])('of a sender that is %s', (_which, made, expected) => {
    const grade = (built: EvidenceBuilder) => verdictOf(built).grade;
    // But of a slow lab it may never have got the policy that it would have broken.
    expect(grade(made().health(SLOW_LAB.eventLoopDelayMs + 1))).toBe('inconclusive');
    expect(grade(made().health(0, SLOW_LAB.answerMs + 1))).toBe('inconclusive');
    expect(grade(made().see({ kind: 'lab-fault', detail: 'x' }).health())).toBe(expected);
    expect(grade(made().see({ kind: 'sender-failed', detail: 'x' }).health())).toBe(expected);
    expect(grade(made().see({ kind: 'flooded', most: 'sender-status' }).health())).toBe(expected);
    expect(grade(made())).toBe(expected);
    expect(grade(made().health(SLOW_LAB.eventLoopDelayMs, SLOW_LAB.answerMs))).not.toBe(
      'inconclusive',
    );
  });

  test('and the remark says why', () => {
    expect(
      verdictOf(right().see({ kind: 'lab-fault', detail: 'no ports left' }).health()).remarks,
    ).toEqual(['the lab failed: no ports left']);
    expect(verdictOf(right()).remarks).toEqual([expect.stringMatching(/breaks off/)]);
  });

  test('for steps that were never run', () => {
    const verdict = verdictOf(evidence().primed().health());
    expect(gradesOf(verdict)).toEqual([
      '0 control pass',
      '1 step inconclusive',
      '2 step inconclusive',
    ]);
    expect(verdictOf(evidence().health()).grade).toBe('inconclusive');
  });
});

describe('an expectation that breaks', () => {
  const broken: Expectation = {
    ...expectations.get('enforced')!,
    judge: () => {
      throw new Error('boom');
    },
  };
  const nameless: Expectation = {
    ...expectations.get('enforced')!,
    judge: () => ({ status: 'unmet', actual: '', because: [], requirement: '0-none' }),
  };
  test.each<[string, ReadonlyMap<string, Expectation>, RegExp]>([
    ['throws', new Map([...expectations, ['enforced', broken]]), /broke: boom/],
    [
      'does not exist',
      new Map([...expectations].filter(([name]) => name !== 'enforced')),
      /no such expectation/,
    ],
    [
      'names a requirement that does not exist',
      new Map([...expectations, ['enforced', nameless]]),
      /no requirement 0-none/,
    ],
  ])('%s: inconclusive, and it says so', (_what, known, actual) => {
    const verdict = judge(trialOf(right().health(), scenarioOf(ENFORCED)), known);
    expect(verdict.grade).toBe('inconclusive');
    expect(verdict.findings[1]).toMatchObject({
      grade: 'inconclusive',
      actual: expect.stringMatching(actual),
    });
    expect(verdict.findings[2]).toMatchObject({ expectation: 'recovered', grade: 'pass' });
  });
});

describe('unsupported', () => {
  const without = (capability: string) => CAPABILITIES.filter((one) => one !== capability);
  const judgeWith = (made: EvidenceBuilder, lacking: string, steps = ENFORCED) =>
    judge(trialOf(made, scenarioOf(steps), without(lacking)), expectations);
  test('comes from what is not declared, whatever happened', () => {
    for (const made of [evidence(), right().health(), attacked().leaks()]) {
      expect(judgeWith(made, 'mta-sts')).toMatchObject({
        grade: 'unsupported',
        remarks: [],
        findings: [{ actual: 'the sender does not declare mta-sts' }],
      });
    }
  });
  test.each<[string, Step[]]>([
    ['queue', ENFORCED],
    ['restart', [prime, { kind: 'restart', label: '' }]],
    ['time-travel', [prime, { kind: 'advance', label: '', seconds: 1, isOptional: false }]],
  ])('comes from the steps too: %s', (lacking, steps) =>
    expect(judgeWith(evidence().primed().health(), lacking, steps).grade).toBe('unsupported'),
  );
});

describe('the patterns that a policy permits', () => {
  test.each([
    ['the MX hosts', {}, ['mx1.victim.test']],
    ['those given', { mx: ['*.victim.test'] }, ['*.victim.test']],
    [
      'those of a file given word for word',
      { text: 'version: STSv1\nmode: enforce\nmx: a.test\nmx: *.b.test\nmax_age: 1\n' },
      ['a.test', '*.b.test'],
    ],
    [
      'the MX hosts, where the file cannot be read',
      { text: 'mode: enforce\nmx: a.test\n' },
      ['mx1.victim.test'],
    ],
    [
      'the MX hosts, where the file names none',
      { text: 'version: STSv1\nmode: none\nmax_age: 1\n' },
      ['mx1.victim.test'],
    ],
  ])('%s', (_what, change, patterns) =>
    expect(permittedMx(DEFAULT_DOMAIN, { ...DEFAULT_POLICY, ...change })).toEqual(patterns),
  );
});
