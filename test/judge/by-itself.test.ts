/** What a sender does where there is no mail, or for mail that has gone another way, is no failure. */

import { describe, expect, test } from 'vitest';
import { judge } from '../../harness/judge/judge.ts';
import { DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import type { ExpectationUse, PolicySpec, Step } from '../../harness/model/scenario.ts';
import {
  type EvidenceBuilder,
  evidence,
  expectations,
  flush,
  prime,
  scenarioOf,
  send,
  trialOf,
  use,
  vocabulary,
} from '../evidence.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const attack = (name: string, options: object) => ({
  name,
  options: vocabulary.attacks.get(name)!.options.parse(options),
});
const honest = (...of: readonly ExpectationUse[]) => ({ ...send(...of), under: [] }) as Step;
const advance = (seconds: number): Step => ({
  kind: 'advance',
  label: 'some time',
  seconds,
  isOptional: false,
});
const advanced = (seconds: number) => ({ kind: 'time-advanced', seconds }) as const;
const restart: Step = { kind: 'restart', label: 'a restart' };
const moved = { ...DEFAULT_DOMAIN, mx: [{ host: 'mx2.victim.test', preference: 10 }] };
const publish = (policy: PolicySpec, more: object = {}) =>
  ({ kind: 'publish', label: 'a new MX', policy, domain: moved, ...more }) as Step;
const gradesOf = (made: EvidenceBuilder, steps: readonly Step[], policy = DEFAULT_POLICY) =>
  judge(trialOf(made.health(), scenarioOf(steps, { policy })), expectations)
    .findings.filter(({ step }) => step > 0)
    .map(({ expectation, grade }) => `${expectation} ${grade}`);

test('a policy renewed at a restart binds as one renewed as time passed', () => {
  const old = { ...DEFAULT_POLICY, maxAgeSeconds: HOUR };
  const next = { ...old, id: 'second', mx: ['mx2.victim.test'] };
  const made = evidence()
    .primed(old)
    .step(1, 'main', old)
    .see(advanced(3000))
    .step(2, 'main', old)
    .see({ kind: 'sender-restarted' })
    .txt()
    .fetch()
    .step(3, 'main', old)
    .see(advanced(3000))
    .step(4, 'main', next)
    .step(5, 'main', next)
    .submit()
    .txt()
    .mx()
    .status('deferred')
    .unprotected();
  const under = [attack('hide-sts-record', { how: 'nxdomain' })];
  const last = { ...send(use('delivered')), under } as Step;
  const steps = [prime, advance(3000), restart, advance(3000), publish(next), last];
  expect(gradesOf(made, steps, old)).toEqual(['delivered not-met']);
});

describe('a policy that was renewed as it was published', () => {
  const next = { ...DEFAULT_POLICY, id: 'second', mx: ['mx2.victim.test'] };
  const steps = [prime, advance(5 * DAY), publish(next), honest(use('policy-fetched'))];
  const begun = () =>
    evidence()
      .primed()
      .step(1)
      .see(advanced(5 * DAY))
      .txt()
      .step(2, 'main', next);
  const sent = (made: EvidenceBuilder) =>
    made
      .step(3, 'main', next)
      .submit()
      .txt()
      .mx()
      .connect('mx2.victim.test')
      .ehlo()
      .tls()
      .delivered()
      .status('delivered');
  test('need not be fetched again', () =>
    expect(gradesOf(sent(begun().fetch()), steps)).toEqual(['policy-fetched not-met']));
  test('and one that was not has to be', () =>
    expect(gradesOf(sent(begun()), steps)).toContain('policy-fetched fail'));
});

test('who sends over a connection kept for the domain asks for no MX', () => {
  const next = { ...DEFAULT_POLICY, id: 'second', mx: ['mx2.victim.test'] };
  const made = evidence().step(0).submit().txt().fetch().mx().connect().ehlo().tls().delivered();
  made.status('delivered').step(1).see(advanced(DAY)).step(2, 'main', next).step(3, 'main', next);
  made.submit().delivered().status('delivered').txt().fetch();
  const keepConnections = true;
  const looks = { ...honest(use('policy-fetched')), keepConnections } as Step;
  const steps = [prime, advance(DAY), publish(next, { keepConnections }), looks];
  expect(gradesOf(made, steps)).toEqual(['policy-fetched not-met']);
});

describe('a notice of delay in free text', () => {
  const long = { ...DEFAULT_POLICY, maxAgeSeconds: 14 * DAY };
  const waiting = () =>
    evidence()
      .primed(long)
      .step(1, 'main', long)
      .submit()
      .turnsAway()
      .status('deferred')
      .unprotected();
  const steps = [
    prime,
    send(use('enforced')),
    advance(6 * DAY),
    flush(use('looked-again'), use('bounced', { dsn: true })),
  ];
  const flushed = (made: EvidenceBuilder) =>
    made.step(3, 'main', long).see({ kind: 'queue-flushed' }).later().turnsAway();
  test('does not tell when the message was given up', () => {
    const made = waiting()
      .step(2, 'main', long)
      .see(advanced(6 * DAY))
      .dsn();
    expect(gradesOf(flushed(made).txt().dsn().status('bounced'), steps, long)).toEqual([
      'enforced pass',
      'looked-again pass',
      'bounced pass',
    ]);
  });
  test('is a return where the queue was run in its own step, before the log had told of it', () => {
    const made = flushed(
      waiting()
        .step(2, 'main', long)
        .see(advanced(6 * DAY)),
    )
      .txt()
      .dsn();
    made.see({ kind: 'queue-flushed' }).status('bounced');
    expect(gradesOf(made, steps, long)).toContain('bounced pass');
  });
  test('is no return', () => {
    const made = waiting()
      .step(2, 'main', long)
      .see(advanced(6 * DAY))
      .txt()
      .dsn();
    expect(gradesOf(flushed(made).status('bounced'), steps, long)).toEqual([
      'enforced pass',
      'looked-again fail',
      'bounced fail',
    ]);
  });
});
