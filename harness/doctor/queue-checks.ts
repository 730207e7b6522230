/**
 * Checks of mail that does not get through: it is kept and logged as deferred, listed, retried on
 * demand; or given up and returned.
 */

import { attack as blockMx } from '../attacks/block-mx.ts';
import { attack as mxReply } from '../attacks/mx-reply.ts';
import { bouncesOf, outcomeOf } from '../model/evidence.ts';
import type { LabPlan } from '../model/plan.ts';
import { ofKind } from '../model/traffic.ts';
import { type Check, fault, proved, saidOf } from './check.ts';
import type { Domain, Examination } from './examination.ts';
import { HONEST_CHECKS, honestPlan } from './honest-checks.ts';

const { deliversOverTls } = HONEST_CHECKS;

/** Domains whose mail is kept, by what the checks call them. */
const UNREACHABLE = 'unreachable';
const BUSY = 'busy';
const REJECTING = 'rejecting';

const answersRcpt = (text: string) =>
  mxReply.apply(honestPlan(), {
    to: 'RCPT',
    text,
    when: 'always',
    mx: '*',
    then: undefined,
    nth: undefined,
    delayMs: undefined,
  });

function logsFailure(
  name: string,
  title: string,
  status: 'deferred' | 'bounced',
  plan: () => LabPlan,
): Check {
  return {
    name,
    // A fault in all deliveries would be taken for this one.
    after: [deliversOverTls.name],
    async run(examination) {
      const domain = examination.domain(title);
      await domain.arrange(plan());
      return saidOf(await domain.send(), status, domain, examination);
    },
  };
}

const logsUnreachable = logsFailure(
  'log.deferred matches when no MX listens',
  UNREACHABLE,
  'deferred',
  () => blockMx.apply(honestPlan(), { how: 'refused', mx: '*', nth: undefined }),
);
const logsBusy = logsFailure('log.deferred matches when the MX says 451', BUSY, 'deferred', () =>
  answersRcpt('451 4.3.0 Not now, says Holdfast'),
);
const logsBounced = logsFailure(
  'log.bounced matches when the MX says 550',
  REJECTING,
  'bounced',
  () => answersRcpt('550 5.1.1 Nobody of this name, says Holdfast'),
);

const kept = ({ domain }: Examination): Domain[] => [domain(UNREACHABLE), domain(BUSY)];
const tokensOf = (domains: readonly Domain[]): string[] =>
  domains.flatMap(({ messages }) => messages);

const lists: Check = {
  name: 'commands.queue lists what is kept',
  needs: ['queue'],
  after: [logsUnreachable.name, logsBusy.name],
  without: ({ queued }) => (queued === undefined ? 'there is no commands.queue' : undefined),
  mend: 'commands.queue is run by sh -c: it has to print the recipients of all queued mail, and to exit with 0.',
  async run(examination) {
    const tokens = tokensOf(kept(examination));
    const listed = (await examination.sender.queued?.()) ?? [];
    const missing = tokens.filter((token) => !listed.includes(token));
    if (missing.length === 0) return proved();
    return fault(
      `of ${tokens.length} messages that are kept, it printed the recipients of ${tokens.length - missing.length}`,
      'let commands.queue print the whole address of every recipient that is still waiting; or, if the server has dropped the mail, mend that.',
      examination.log.excerpt(missing),
    );
  },
};

/**
 * Runs the queue for these domains until their mail has arrived; once more for what was tried and put off
 * again, since a connection that was kept for it may have been closed meanwhile (RFC 5321 §3.8).
 */
export async function retried(
  domains: readonly Domain[],
  { sender }: Pick<Examination, 'sender'>,
): Promise<void> {
  let late = domains;
  for (let run = 1; run <= 2 && late.length > 0; run += 1) {
    const tried = late.map((domain) => ({ domain, since: domain.seen.length }));
    await sender.flush(late.map(({ name }) => name));
    await Promise.all(
      tried.map((one) => one.domain.until(() => isDelivered(one.domain) || isPutOff(one))),
    );
    late = tried.filter(isPutOff).map(({ domain }) => domain);
  }
}

const lateIn = ({ seen, messages }: Domain): string[] =>
  messages.filter((token) => outcomeOf(seen, token).kind !== 'delivered');
const isDelivered = (domain: Domain): boolean => lateIn(domain).length === 0;

/** All that has not arrived was tried anew, and is to be tried again. */
function isPutOff({ domain, since }: { readonly domain: Domain; readonly since: number }): boolean {
  const said = ofKind(domain.seen.slice(since), 'sender-status');
  const late = lateIn(domain);
  return (
    late.length > 0 &&
    late.every((own) => said.some(({ token, status }) => token === own && status === 'deferred'))
  );
}

const MEND_FLUSH =
  'commands.flush is run by sh -c, with $DOMAINS: it has to make the server try their mail again now, whenever it would have done so by itself, and to exit with 0; if a restart does that, say restart.';

const flushes: Check = {
  name: 'commands.flush retries what is kept',
  needs: ['queue'],
  after: [deliversOverTls.name],
  mend: MEND_FLUSH,
  async run(examination) {
    const domains = kept(examination);
    await Promise.all(domains.map((domain) => domain.arrange(honestPlan())));
    await retried(domains, examination);
    const late = domains.flatMap(lateIn);
    if (late.length > 0)
      return fault(
        `${late.length} of ${tokensOf(domains).length} messages did not arrive, though nothing kept them any more`,
        MEND_FLUSH,
        examination.log.excerpt(late),
      );
    for (const domain of domains) {
      const said = await saidOf(domain.messages[0]!, 'delivered', domain, examination);
      if (said.kind !== 'proved') return said;
    }
    return proved();
  },
};

const empties: Check = {
  name: 'commands.queue no longer lists it',
  needs: ['queue'],
  after: [lists.name, flushes.name],
  without: lists.without,
  mend: lists.mend,
  async run(examination) {
    const domains = kept(examination);
    await Promise.all(domains.map((domain) => domain.idle()));
    const tokens = tokensOf(domains);
    const still = ((await examination.sender.queued?.()) ?? []).filter((token) =>
      tokens.includes(token),
    );
    if (still.length === 0) return proved();
    return fault(
      `it still prints the recipients of ${still.length} messages that have arrived`,
      'let commands.queue print only what still waits for delivery.',
      examination.log.excerpt(still),
    );
  },
};

const returns: Check = {
  name: 'a DSN comes home',
  needs: ['dsn'],
  after: [logsBounced.name],
  async run(examination) {
    const domain = examination.domain(REJECTING);
    const [token] = domain.messages;
    if (await domain.until(() => bouncesOf(domain.seen, token!).length > 0)) return proved();
    const asked = ofKind(domain.seen, 'dns-query').some(({ name }) =>
      name.toLowerCase().startsWith('sender.'),
    );
    return fault(
      `no notice of the bounce came to the domain of the message's sender${asked ? '' : ', nor was that domain looked up'}`,
      'let the server return undeliverable mail to its sender by way of DNS, sender.….test being no domain of its own; or take dsn out of capabilities.',
      examination.log.excerpt([token!]),
    );
  },
};

export const QUEUE_CHECKS = {
  logsUnreachable,
  logsBusy,
  lists,
  flushes,
  empties,
  logsBounced,
  returns,
};
