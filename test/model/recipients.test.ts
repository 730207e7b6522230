/** One message with several recipients: what passed, and what became of it, is told of each. */

import { describe, expect, test } from 'vitest';
import { judge } from '../../harness/judge/judge.ts';
import { breachesOf, exposedBy } from '../../harness/model/breaches.ts';
import { outcomeOf, viewStep } from '../../harness/model/evidence.ts';
import type { Step } from '../../harness/model/scenario.ts';
import { evidence, expectations, prime, scenarioOf, send, trialOf, use } from '../evidence.ts';

/** A protected recipient and another, of one message, which bears the tokens of both. */
const both = () => evidence().primed().step(1).submit().submit('other.test');
const ofBoth = (made: ReturnType<typeof both>) => ({ tokens: [made.token(-2), made.token(-1)] });
const address = (made: ReturnType<typeof both>, nth: number) =>
  made.observations.filter((seen) => seen.kind === 'message-submitted').at(nth)!.to;

/** MAIL, RCPT for these of the two, content. */
function sent(made: ReturnType<typeof both>, ...recipients: readonly number[]) {
  for (const nth of recipients) made.rcpt(address(made, nth));
  return made.data(ofBoth(made)).accepted({
    ...ofBoth(made),
    rcptTo: recipients.map((nth) => address(made, nth)),
  });
}

const [PROTECTED, OTHER] = [-2, -1];
const twoDomains: Step = { ...(send() as Extract<Step, { kind: 'send' }>), also: ['other.test'] };

describe('what passed in clear', () => {
  test('to the other recipient alone is no breach, though the content bears both tokens', () => {
    const made = sent(both().mx('other.test').connect('mx.other.test').ehlo().mail(), OTHER);
    expect(breachesOf(made.observations)).toEqual([]);
    expect(outcomeOf(made.observations, made.token(OTHER)).kind).toBe('delivered');
    expect(outcomeOf(made.observations, made.token(PROTECTED)).kind).toBe('pending');
  });

  test.each([[[PROTECTED]], [[PROTECTED, OTHER]], [[OTHER, PROTECTED]]])(
    'to %j is one',
    (recipients) => {
      const made = sent(both().connect().ehlo().mail(), ...recipients);
      const parts = breachesOf(made.observations).map(({ part }) => part.kind);
      expect(parts).toContain('smtp-data');
    },
  );

  test('content of one message under the recipient of another is of the one it is', () => {
    const made = both().connect().ehlo().mail();
    made.rcpt(address(made, OTHER)).data({ tokens: [made.token(PROTECTED)] });
    expect(breachesOf(made.observations).map(({ part }) => part.kind)).toContain('smtp-data');
  });

  test('and MAIL alone is of nobody, where not all are protected', () => {
    const made = both().connect().ehlo().mail();
    expect(breachesOf(made.observations)).toEqual([]);
    const trial = trialOf(made, scenarioOf([prime, twoDomains]));
    expect(exposedBy(viewStep(trial, 1, 'victim.test')).exposure).toBe('none');
    expect(exposedBy(viewStep(trial, 1)).exposure).toBe('envelope');
  });

  test('and MAIL alone is of a protected one, where the other was not there yet', () => {
    const made = evidence().primed().step(1).submit().connect().ehlo().mail().submit('other.test');
    expect(breachesOf(made.observations).map(({ part }) => part.kind)).toEqual(['smtp-command']);
  });

  test('and MAIL alone is of the one that is still on its way', () => {
    const made = evidence().primed().step(1).submit('other.test').mx('other.test');
    made.connect('mx.other.test').ehlo().delivered().quit().status('delivered');
    made.submit().connect().ehlo().mail();
    expect(breachesOf(made.observations).map(({ part }) => part.kind)).toEqual(['smtp-command']);
  });

  test('and MAIL alone is none, where one of the policies permits it', () => {
    const protectedToo = () =>
      both()
        .txt('_mta-sts.other.test')
        .fetch({
          host: 'mta-sts.other.test',
          hostHeader: 'mta-sts.other.test',
          body: 'version: STSv1\nmode: enforce\nmx: mx.other.test\nmax_age: 86400\n',
        })
        .mx()
        .connect()
        .ehlo();
    expect(breachesOf(protectedToo().tls().mail().quit().observations)).toEqual([]);
    expect(breachesOf(protectedToo().mail().quit().observations)).toHaveLength(1);
  });

  test('of a message that says TLS-Required, No is none, unless it asks for REQUIRETLS', () => {
    const of = (marks: object) => evidence().primed().step(1).submit('victim.test', marks).leaks();
    expect(breachesOf(of({ tlsRequired: 'no' }).observations)).toEqual([]);
    expect(breachesOf(of({ tlsRequired: 'no', requiretls: true }).observations)).not.toEqual([]);
  });
});

describe('a DSN', () => {
  const dsn = (change: object) => {
    const made = both().dsn('failed');
    const last = made.observations.at(-1)!;
    const told = { ...last, ...ofBoth(made), ...change };
    return { made, observations: [...made.observations.slice(0, -1), told] };
  };
  const outcomes = ({ made, observations }: ReturnType<typeof dsn>) =>
    [PROTECTED, OTHER].map((nth) => outcomeOf(observations, made.token(nth)).kind);

  test('is of the recipients that it names as failed', () => {
    const told = dsn({});
    const named = dsn({ dsnFailed: [told.made.token(OTHER)] });
    expect(outcomes(named)).toEqual(['pending', 'bounced']);
  });

  test('that names none decides nothing of a message with several', () => {
    expect(outcomes(dsn({}))).toEqual(['pending', 'pending']);
    expect(outcomes(dsn({ dsnAction: undefined }))).toEqual(['pending', 'pending']);
  });
});

describe('expectations for one domain', () => {
  const expected: Step = {
    ...twoDomains,
    expect: [
      use('enforced', {}, { for: 'victim.test' }),
      use('delivered', {}, { for: 'other.test' }),
    ],
  };
  const gradesOf = (made: ReturnType<typeof both>) =>
    judge(trialOf(made.health(), scenarioOf([prime, expected])), expectations).findings.flatMap(
      ({ step, grade }) => (step === 1 ? grade : []),
    );
  const lookedUp = () =>
    both().mx().connect().ehlo().quit().mx('other.test').connect('mx.other.test');
  const status = (made: ReturnType<typeof both>, nth: number, word: 'delivered' | 'deferred') =>
    made.see({ kind: 'sender-status', token: made.token(nth), status: word, detail: '' });

  test('the protected one kept, the other delivered', () => {
    const made = sent(lookedUp().ehlo().mail(), OTHER);
    status(made, PROTECTED, 'deferred');
    expect(gradesOf(status(made, OTHER, 'delivered'))).toEqual(['pass', 'pass']);
  });

  test('the protected one exposed', () => {
    const made = sent(sent(lookedUp().ehlo().mail(), OTHER).mail(), PROTECTED);
    expect(gradesOf(made)).toEqual(['fail', 'pass']);
  });

  test('the other kept back for the policy of the first', () => {
    const made = status(lookedUp().ehlo().quit(), PROTECTED, 'deferred');
    expect(gradesOf(status(made, OTHER, 'deferred'))[1]).toMatch(/warn|fail/);
  });
});

test('a message that the sender cannot be given makes the trial unsupported, whatever else was seen', () => {
  const made = evidence().primed().step(1);
  made.see({ kind: 'message-uncarried', detail: 'it does not offer SMTPUTF8 at submission' });
  const trial = trialOf(made.health(), scenarioOf([prime, send(use('enforced'))]));
  expect(judge(trial, expectations)).toMatchObject({
    grade: 'unsupported',
    findings: [{ actual: 'it does not offer SMTPUTF8 at submission' }],
  });
});
