/**
 * Checks of what lasts: the server comes up again and remembers, policies get older by
 * commands.age; and it bears many messages at once.
 */

import { attack as blockMx } from '../attacks/block-mx.ts';
import { attack as blockPolicyHost } from '../attacks/block-policy-host.ts';
import { attack as hideStsRecord } from '../attacks/hide-sts-record.ts';
import { attack as mxCertificate } from '../attacks/mx-certificate.ts';
import { settledWithin } from '../concurrency/wait.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../model/baseline.ts';
import { outcomeOf } from '../model/evidence.ts';
import { policyFetches, stsLookups } from '../model/held-policy.ts';
import { type LabPlan, VICTIM } from '../model/plan.ts';
import { type Check, fault, proved, skipped } from './check.ts';
import type { Domain } from './examination.ts';
import { arrived, HOME, HONEST_CHECKS, honestPlan, MAX_AGE_SECONDS } from './honest-checks.ts';
import { QUEUE_CHECKS, retried } from './queue-checks.ts';

const { deliversOverTls, fetchesPolicy } = HONEST_CHECKS;

const MEND_RESTART =
  'it has to start again with what is on its disk by then (a start script runs once more), and to be ready as at first; or take restart out of capabilities.';
const AFTERWARDS = 'afterwards';
const LASTING = 'lasting';

const restarts: Check = {
  name: 'comes up again after a restart',
  needs: ['restart'],
  after: [deliversOverTls.name],
  without: ({ restart }) => (restart === undefined ? 'there is no commands.restart' : undefined),
  mend: MEND_RESTART,
  async run({ domain, sender, log }) {
    // For the next check. Only a sender that can learn policies is waited for.
    if (policyFetches(domain(HOME).seen).length > 0) await learnPolicy(domain(LASTING));
    await sender.restart?.();
    const afterwards = domain(AFTERWARDS);
    await afterwards.arrange(honestPlan());
    const token = await afterwards.send();
    if (await arrived(afterwards, token)) return proved();
    return fault(
      `a message that was sent after the restart did not arrive`,
      MEND_RESTART,
      log.excerpt([token]),
    );
  },
};

const remembers: Check = {
  name: 'policies outlive the restart',
  needs: ['persistent-cache', 'restart'],
  after: [fetchesPolicy.name, restarts.name, QUEUE_CHECKS.logsBusy.name],
  async run({ domain, log }) {
    const lasting = domain(LASTING);
    await lasting.arrange(unprotectedPlan());
    const token = await lasting.send();
    const fate = await fateOf(lasting, token);
    if (isWithheld(fate)) {
      const free = await fateWithoutPolicy(domain(FREE));
      return free === 'delivered' ? proved() : skipped(strictAnyway(free));
    }
    const what =
      fate === 'delivered'
        ? 'was delivered: the policy from before was forgotten'
        : 'neither arrived nor was deferred';
    return fault(
      `after the restart, with no policy to be fetched and a self-signed certificate at the MX, a message ${what}`,
      'let the server keep its policy cache in a file that a restart of the container leaves alone, or take persistent-cache out of capabilities.',
      log.excerpt([token]),
    );
  },
};

const CHANGING = 'changing';

const meetsChange: Check = {
  name: 'a second message meets what has changed',
  after: [deliversOverTls.name],
  async run({ domain, sender, log }) {
    const changing = domain(CHANGING);
    await changing.arrange(planWith('mx1'));
    if (!(await arrived(changing, await changing.send())))
      return skipped('the first message did not arrive');
    await changing.arrange(planWith('mx2'));
    const token = await changing.send();
    if ((await fateOf(changing, token)) === 'deferred') await retried([changing], { sender });
    if (await arrived(changing, token)) return proved();
    return fault(
      'the domain moved to another MX after the first message, and the second one did not follow',
      'the answers of the name server are good for no time (TTL 0), and the lab closes idle connections: let no resolver and no pool of the server keep either.',
      log.excerpt([token]),
    );
  },
};

/** A domain without a policy, and this host its only MX. */
function planWith(mx: string): LabPlan {
  const domain = { ...DEFAULT_DOMAIN, mx: [{ host: `${mx}.${VICTIM}`, preference: 10 }] };
  return baselinePlan(domain, { ...DEFAULT_POLICY, mode: 'absent' });
}

const MEND_AGE =
  'commands.age is run by sh -c, with $DOMAINS and $SECONDS: it has to set back the times at which their policies were cached, where the server reads them, and to exit with 0.';

const LOOKING = 'looking';
const HOUR_SECONDS = 3_600;
/** Of a policy that lives for a day. */
const AGES = [
  { seconds: 0, words: 'with the next message' },
  { seconds: HOUR_SECONDS, words: 'after an hour' },
  { seconds: 12 * HOUR_SECONDS, words: 'after half its life' },
  { seconds: 2 * MAX_AGE_SECONDS, words: 'once it has expired' },
] as const;

const looksAgain: Check = {
  name: 'a policy is looked at again',
  needs: ['mta-sts'],
  after: [fetchesPolicy.name],
  mend: MEND_AGE,
  async run({ domain, sender, log }) {
    const looking = domain(LOOKING);
    await looking.arrange(honestPlan());
    await fateOf(looking, await looking.send());
    await looking.until(() => policyFetches(looking.seen).length > 0);
    let token = '';
    for (const { seconds, words } of AGES) {
      if (seconds > 0 && sender.advance === undefined)
        return proved('not with the next message; without commands.age no more can be told');
      if (seconds > 0) await sender.advance?.(seconds, [looking.name]);
      // Who sends it over a connection that is still open looks at nothing, and need not.
      await settledWithin(looking.idle(), LATE_MS);
      await looking.arrange(honestPlan());
      const before = stsLookups(looking.seen, [looking.name]).length;
      token = await looking.send();
      await fateOf(looking, token);
      if (
        await looking.until(() => stsLookups(looking.seen, [looking.name]).length > before, LATE_MS)
      )
        return proved(`${words}, as RFC 8461 §5.1 allows`);
    }
    return fault(
      'a policy with a max_age of one day was made two days older, and nobody asked for its record',
      'a sender that has no valid policy has to look for one (RFC 8461 §3.3); see commands.age.',
      log.excerpt([token]),
    );
  },
};

/** RFC 8461 §5.1 lets a sender look beside the delivery. */
const LATE_MS = 1_000;

const MEND_AGE_OF_ALL =
  'let commands.age change what is remembered of $DOMAINS alone, and no clock: one server serves all scenarios. Or, in a container or as a Node program, set limits.instances: exclusive.';

const AGEING = 'ageing';
const STAYING = 'staying';

const ages: Check = {
  name: 'commands.age makes policies older',
  needs: ['mta-sts', 'time-travel'],
  after: [fetchesPolicy.name, QUEUE_CHECKS.logsBusy.name],
  without: ({ advance }) => (advance === undefined ? 'there is no commands.age' : undefined),
  mend: MEND_AGE,
  async run({ domain, sender, contract, log }) {
    const ageing = domain(AGEING);
    const isShared = contract?.instances === 'shared';
    const others = isShared ? [domain(STAYING)] : [];
    for (const one of [ageing, ...others]) {
      await learnPolicy(one);
      await one.arrange(unprotectedPlan());
      const young = await fateOf(one, await one.send());
      if (!isWithheld(young))
        return skipped(
          `without a policy host the policy binds it no longer, even while it is young (a message was ${young})`,
        );
    }
    await sender.advance?.(2 * MAX_AGE_SECONDS, [ageing.name]);
    const token = await ageing.send();
    if ((await fateOf(ageing, token)) !== 'delivered') {
      const free = await fateWithoutPolicy(domain(FREE));
      if (free !== 'delivered') return skipped(strictAnyway(free));
      return fault(
        'a policy with a max_age of one day still bound the server after it was made two days older',
        MEND_AGE,
        log.excerpt([token]),
      );
    }
    for (const other of others) {
      const message = await other.send();
      if ((await fateOf(other, message)) === 'delivered')
        return fault(
          'the policy of another domain, which is not in $DOMAINS, was made older as well',
          MEND_AGE_OF_ALL,
          log.excerpt([message]),
        );
    }
    return proved();
  },
};

/**
 * The sender gets to know the policy and, if it asks for that first, has never seen the MX: some
 * remember of a domain, policy or not, that it does TLS, and that is not what is to be proved.
 */
async function learnPolicy(domain: Domain): Promise<void> {
  const learned = () => policyFetches(domain.seen).length > 0;
  await domain.arrange(blockMx.apply(honestPlan(), { how: 'refused', mx: '*', nth: undefined }));
  const token = await domain.send();
  await domain.until(() => learned() || outcomeOf(domain.seen, token).kind !== 'pending');
  if (learned()) return domain.idle();
  await domain.arrange(honestPlan());
  await domain.send();
  await domain.until(learned);
}

/**
 * A policy can come from nowhere but the cache, and without one a message goes to whoever holds the
 * MX. STARTTLS is there: some send nothing in clear, policy or not.
 */
function unprotectedPlan(): LabPlan {
  const noRecord = hideStsRecord.apply(honestPlan(), { how: 'nxdomain' });
  return selfSigned(blockPolicyHost.apply(noRecord, { how: 'refused' }));
}

function selfSigned(plan: LabPlan): LabPlan {
  return mxCertificate.apply(plan, {
    profile: 'self-signed',
    certificateFor: undefined,
    withoutSni: undefined,
    mx: '*',
    nth: undefined,
  });
}

const FREE = 'free';

/** What comes of a message to such an MX where there is no policy. */
async function fateWithoutPolicy(free: Domain): Promise<Fate> {
  await free.arrange(selfSigned(planWith('mx1')));
  return fateOf(free, await free.send());
}

const strictAnyway = (fate: Fate) =>
  `to an MX with a self-signed certificate nothing is sent, policy or not (a message was ${fate})`;

type Fate = ReturnType<typeof outcomeOf>['kind'];

async function fateOf(domain: Domain, token: string): Promise<Fate> {
  await domain.until(() => outcomeOf(domain.seen, token).kind !== 'pending');
  return outcomeOf(domain.seen, token).kind;
}

/** A policy binds: some servers return at once what it does not let out. */
const isWithheld = (fate: Fate): boolean => fate === 'deferred' || fate === 'bounced';

const MANY = 20;
const MANY_MS = 30_000;
const CROWD = 'crowd';
const MEND_MANY =
  'lift what the server allows one client in connections, messages and rate; or set limits.parallel to what it bears.';

const bearsMany: Check = {
  name: `takes ${MANY} messages at once`,
  after: [deliversOverTls.name],
  mend: MEND_MANY,
  async run({ domain, log }) {
    const crowd = domain(CROWD);
    await crowd.arrange(honestPlan());
    await Promise.all(Array.from({ length: MANY }, () => crowd.send()));
    const missing = () =>
      crowd.messages.filter((token) => outcomeOf(crowd.seen, token).kind !== 'delivered');
    if (await crowd.until(() => missing().length === 0, MANY_MS)) return proved();
    return fault(
      `${MANY - missing().length} of them arrived in ${MANY_MS / 1000} s`,
      MEND_MANY,
      log.excerpt(missing()),
    );
  },
};

/**
 * The clock of some senders is one for all domains: what has to be young comes before what is made
 * older.
 */
export const LASTING_CHECKS = { meetsChange, restarts, remembers, looksAgain, ages, bearsMany };
