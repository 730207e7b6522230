/** Checks on senders with habits that the reference sender has not. */

import { describe, expect, it } from 'vitest';
import { examine } from '../../harness/doctor/check.ts';
import type { Domain, Examination } from '../../harness/doctor/examination.ts';
import { LASTING_CHECKS } from '../../harness/doctor/lasting-checks.ts';
import { createLog } from '../../harness/doctor/log.ts';
import type { Event, Observation } from '../../harness/model/observation.ts';
import { type LabPlan, POLICY_PATH } from '../../harness/model/plan.ts';
import { SenderError, type StartedSender } from '../../harness/model/sender.ts';

const { looksAgain, remembers, ages } = LASTING_CHECKS;

/** What a sender does with a message, given what it has of the domain. */
type Habit = (meeting: Meeting) => readonly Event[];

interface Meeting {
  readonly token: string;
  readonly domain: string;
  readonly plan: LabPlan;
  /** It has not sent to the domain since the plan was arranged: no connection is open. */
  readonly isAfresh: boolean;
  readonly isFirst: boolean;
}

/** An examination of a sender with this habit, in a lab that only writes down. */
function examinationOf(habit: Habit, sender: Partial<StartedSender> = {}): Examination {
  const domains = new Map<string, Domain>();
  const open = (title: string): Domain => {
    const name = `victim.${title}.test`;
    const seen: Observation[] = [];
    const messages: string[] = [];
    let plan: LabPlan;
    let isAfresh = true;
    return {
      name,
      seen,
      messages,
      async arrange(next) {
        plan = next;
        isAfresh = true;
      },
      async send() {
        const token = `hf${title}${messages.length}`;
        const meeting = { token, domain: name, plan, isAfresh, isFirst: messages.length === 0 };
        messages.push(token);
        isAfresh = false;
        for (const event of habit(meeting))
          seen.push({ ...event, seq: seen.length, at: seen.length, step: 0, leg: 'main' });
        return token;
      },
      until: async (holds) => holds(),
      idle: async () => {},
    };
  };
  return {
    sender: { restart: async () => {}, ...sender } as StartedSender,
    log: createLog(),
    domain(title) {
      const domain = domains.get(title) ?? open(title);
      domains.set(title, domain);
      return domain;
    },
    async [Symbol.asyncDispose]() {},
  };
}

const said = (token: string, status: 'delivered' | 'deferred'): Event => ({
  kind: 'sender-status',
  token,
  status,
  detail: '',
});
const arrives = (token: string): Event => ({
  kind: 'message-accepted',
  connection: 'c1',
  mx: 'mx1.victim.test',
  secure: true,
  authenticated: true,
  mailFrom: '',
  rcptTo: [`${token}@victim.test`],
  tokens: [token],
  subject: '',
});
const looks = (domain: string): Event => ({
  kind: 'dns-query',
  name: `_mta-sts.${domain}`,
  type: 'TXT',
  transport: 'udp',
  answer: 'NOERROR 1',
});
const fetches = (domain: string) =>
  ({
    kind: 'policy-request',
    scheme: 'https',
    method: 'GET',
    host: `mta-sts.${domain}`,
    path: POLICY_PATH,
    status: 200,
    complete: true,
    authenticated: true,
  }) as unknown as Event;

const isHonest = (plan: LabPlan) =>
  Object.values(plan.mxHosts).every(({ tls }) => (tls?.certificate ?? 'right') === 'right');

it('who sends over the connection that is open is given none before it is said to look at nothing', async () => {
  const proof = await looksAgain.run(
    examinationOf(({ token, domain, isAfresh, isFirst }) => [
      ...(isAfresh ? [looks(domain)] : []),
      ...(isFirst ? [fetches(domain)] : []),
      arrives(token),
    ]),
  );
  expect(proof).toEqual({
    kind: 'proved',
    saw: 'with the next message, as RFC 8461 §5.1 allows',
  });
});

it('commands.age that fails where a policy is looked at again is told as that', async () => {
  const examination = examinationOf(
    ({ token, domain, isFirst }) => [...(isFirst ? [fetches(domain)] : []), arrives(token)],
    { advance: () => Promise.reject(new SenderError('age exited with code 1')) },
  );
  const [result] = await examine({
    checks: [{ ...looksAgain, after: [] }],
    capabilities: ['mta-sts'],
    examination,
    signal: new AbortController().signal,
    onBegin() {},
    onResult() {},
  });
  expect(result).toMatchObject({
    saw: 'age exited with code 1',
    mend: expect.stringMatching(/^commands\.age is run by sh -c/),
  });
});

describe('who sends to no unverified MX, policy or not', () => {
  const strict: Habit = ({ token, domain, plan }) => [
    fetches(domain),
    isHonest(plan) ? arrives(token) : said(token, 'deferred'),
  ];
  const told = {
    kind: 'skipped',
    reason: expect.stringContaining('nothing is sent, policy or not'),
  };

  it('has not shown that its policies outlive a restart', async () => {
    expect(await remembers.run(examinationOf(strict))).toEqual(told);
  });

  it('has not shown that they get no older', async () => {
    const examination = examinationOf(strict, { advance: async () => {} });
    expect(await ages.run(examination)).toEqual(told);
  });
});
