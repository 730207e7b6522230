/**
 * Checks in an honest world: mail is taken, arrives over TLS and is logged as sent; the lab's names
 * and authorities are believed.
 */

import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../model/baseline.ts';
import { outcomeOf } from '../model/evidence.ts';
import { policyFetches, stsLookups } from '../model/held-policy.ts';
import type { Observation } from '../model/observation.ts';
import type { LabPlan } from '../model/plan.ts';
import { ofKind, type Seen } from '../model/traffic.ts';
import { printable } from '../protocol/printable.ts';
import { type Check, type Fault, fault, MEND_SUBMISSION, proved, saidOf } from './check.ts';
import type { Domain, Examination } from './examination.ts';

/** The domain that is honest to begin with; the sender gets to know its policy. */
export const HOME = 'home';
/** Of the policy that domains publish. */
export const MAX_AGE_SECONDS = 86_400;

export function honestPlan(): LabPlan {
  return baselinePlan(DEFAULT_DOMAIN, { ...DEFAULT_POLICY, maxAgeSeconds: MAX_AGE_SECONDS });
}

const takesMail: Check = {
  name: 'takes mail',
  mend: MEND_SUBMISSION,
  async run({ domain }) {
    await domain(HOME).arrange(honestPlan());
    await domain(HOME).send();
    return proved();
  },
};

const asksNameServer: Check = {
  name: "asks the lab's name server",
  after: [takesMail.name],
  async run({ domain, log }) {
    const home = domain(HOME);
    const asked = () => ofKind(home.seen, 'dns-query');
    if (await home.until(() => asked().length > 0)) return proved();
    return fault(
      `nothing of ${home.name} was looked up`,
      "let the server use the name server of /etc/resolv.conf, which is the lab's, and none of its own; a chroot needs its copy at start-up (files, command or the image).",
      log.excerpt(home.messages),
    );
  },
};

const deliversOverTls: Check = {
  name: 'delivers honest mail over TLS',
  after: [takesMail.name],
  async run(examination) {
    const home = examination.domain(HOME);
    const [token] = home.messages;
    const arrival = await arrived(home, token!);
    if (!arrival) return lost(home, token!, 0, examination);
    if (arrival.secure) return proved(handshakeOf(home.seen, arrival.connection)?.protocol);
    const failed = ofKind(home.seen, 'tls-handshake').find(
      (seen) => seen.service === 'mx' && seen.result === 'failed',
    );
    if (failed)
      return notTrusted(
        "the MX's certificate",
        failed,
        'and then the message was sent in clear',
        examination,
      );
    return fault(
      'the message arrived in clear: the server did not use STARTTLS, which was offered',
      'turn on TLS for outgoing mail in the configuration of the server (files, environment or the image).',
    );
  },
};

const logsSent: Check = {
  name: 'log.sent matches the delivery',
  after: [deliversOverTls.name],
  async run(examination) {
    const home = examination.domain(HOME);
    return saidOf(home.messages[0]!, 'delivered', home, examination);
  },
};

const fetchesPolicy: Check = {
  name: 'fetches the MTA-STS policy',
  needs: ['mta-sts'],
  after: [takesMail.name],
  async run(examination) {
    const home = examination.domain(HOME);
    const failed = () =>
      ofKind(home.seen, 'tls-handshake').find(
        (seen) => seen.service === 'policy-host' && seen.result === 'failed',
      );
    await home.until(() => policyFetches(home.seen).length > 0 || failed() !== undefined);
    if (policyFetches(home.seen).length > 0) return proved();
    const refused = failed();
    if (refused)
      return notTrusted(
        "the policy host's certificate",
        refused,
        'so that there is no policy',
        examination,
      );
    const request = ofKind(home.seen, 'policy-request').at(-1);
    if (request)
      return fault(
        `the policy was asked for by ${printable(`${request.method} ${request.scheme}://${request.host}${request.path}`, 120)} and did not get through (status ${request.status}${request.complete ? '' : ', cut short by the server'})`,
        'see how the server fetches policies: RFC 8461 §3.3 has it GET the well-known path over HTTPS, from the lab itself, without a proxy.',
        examination.log.excerpt(),
      );
    if (stsLookups(home.seen, [home.name]).length > 0)
      return fault(
        `the record _mta-sts.${home.name} was looked up, and the policy host never called`,
        'let what fetches policies reach port 443 of addresses that the lab gives, without a proxy, and use the name server of /etc/resolv.conf.',
        examination.log.excerpt(),
      );
    return fault(
      `the record _mta-sts.${home.name} was never looked up`,
      'turn on MTA-STS in the configuration of the server (files, environment or the image), or take mta-sts out of capabilities.',
      examination.log.excerpt(),
    );
  },
};

/**
 * Once a policy is enforced, nothing arrives where the MX is not trusted; before, a server need not
 * look at certificates (RFC 7435).
 */
const trustsMx: Check = {
  name: "trusts the lab's authority for MX hosts",
  needs: ['mta-sts'],
  after: [deliversOverTls.name, fetchesPolicy.name],
  async run(examination) {
    const home = examination.domain(HOME);
    const since = home.seen.length;
    const token = await home.send();
    const arrival = await arrived(home, token);
    if (!arrival) return lost(home, token, since, examination);
    if (arrival.authenticated) return proved();
    return fault(
      'a second message, under the policy in mode enforce, arrived in clear',
      'let the server apply the policies it has: see what joins its MTA-STS part to its delivery, or take mta-sts out of capabilities.',
      examination.log.excerpt([token]),
    );
  },
};

export const HONEST_CHECKS = {
  takesMail,
  asksNameServer,
  deliversOverTls,
  logsSent,
  fetchesPolicy,
  trustsMx,
};

/** Waits until the message has arrived, or the sender has said that it did not. */
export async function arrived(
  domain: Domain,
  token: string,
): Promise<Seen<'message-accepted'> | undefined> {
  await domain.until(() => outcomeOf(domain.seen, token).kind !== 'pending');
  const outcome = outcomeOf(domain.seen, token);
  return outcome.kind === 'delivered' ? outcome.accepted : undefined;
}

/** How far an honest message that did not arrive has come. */
function lost(domain: Domain, token: string, since: number, examination: Examination): Fault {
  const seen = domain.seen.slice(since);
  const log = examination.log.excerpt([token]);
  const failed = ofKind(seen, 'tls-handshake').find(
    ({ service, result }) => service === 'mx' && result === 'failed',
  );
  if (failed)
    return notTrusted(
      "the MX's certificate",
      failed,
      'and the message did not arrive',
      examination,
    );
  const command = ofKind(seen, 'smtp-command').at(-1);
  if (command)
    return fault(
      `the message did not arrive: the server spoke with the MX, and nothing more came after ${printable(command.line, 80)}`,
      'see in its log what it did not like; a server that stops after STARTTLS may not trust the MX (trust).',
      log,
    );
  if (ofKind(seen, 'smtp-connection').length > 0)
    return fault(
      'the message did not arrive: the server opened a connection to the MX and said nothing',
      'see in its log what it waited for.',
      log,
    );
  return fault(
    `the message did not arrive: the server called no MX${ofKind(seen, 'dns-query').some(({ type }) => type === 'MX') ? ', though it had looked up which' : ''}`,
    'let it send at once, by itself, to port 25 of the MX that the name server names: no smart host, no waiting in a queue, and no list of networks it may not call.',
    log,
  );
}

/** A right certificate was refused. */
function notTrusted(
  what: string,
  { reason }: Seen<'tls-handshake'>,
  then: string,
  { contract, log }: Examination,
): Fault {
  return fault(
    `the server hung up when it was shown ${what} (${reason === undefined || reason === 'closed' ? 'without a word' : printable(reason, 80)}), ${then}`,
    `make trust${contract ? ` (now ${printable(contract.trust, 120)})` : ''} the file of authorities that the server reads for this, or point its setting to that file; it holds both of the lab's authorities.`,
    log.excerpt(),
  );
}

function handshakeOf(
  seen: readonly Observation[],
  connection: string,
): Seen<'tls-handshake'> | undefined {
  return ofKind(seen, 'tls-handshake').find((handshake) => handshake.connection === connection);
}
