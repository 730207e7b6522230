/**
 * Delivery of one mail: the candidates in order, and for each the checks of RFC 8461 §4 before the
 * first byte of mail.
 *
 *   candidate ── permitted by mx? ── STARTTLS offered? ── 220? ── handshake? ── certificate for this host? ── EHLO, MAIL, RCPT, DATA
 *
 * `enforce`: a "no" means the next candidate, and at the end the mail waits (§5). `testing`: a "no"
 * is noted, and the mail goes on. No policy: TLS where it works, unauthenticated, else clear text
 * (RFC 7435).
 */

import type { X509Certificate } from 'node:crypto';
import type tls from 'node:tls';
import { within } from '../../concurrency/wait.ts';
import type { CachedPolicy, PolicyCache } from './discovery.ts';
import type { FaultName } from './faults.ts';
import { domainOf, type Mail, messageOf, type Outcome } from './mail.ts';
import { mxCandidates } from './mx-candidates.ts';
import { dnsNamesOf, identifies, pathProblem } from './network.ts';
import { permits } from './reading.ts';
import type { Setting } from './setting.ts';
import { openSmtp, SmtpRefusal, type SmtpSession } from './smtp-client.ts';
import type { Failure, SessionLog } from './tlsrpt.ts';

/**
 * Tries to deliver the mail for `domain` under the policy found for it; undefined: none. Never
 * rejects for what a peer does.
 */
export type Deliver = (
  mail: Mail,
  domain: string,
  policy: CachedPolicy | undefined,
) => Promise<Outcome>;

/** Why TLS with a candidate is not what its policy asks for. */
interface TlsProblem extends Failure {
  readonly at: 'starttls-offer' | 'starttls-reply' | 'handshake' | 'certificate';
  /** The connection is of no more use. */
  readonly connectionLost?: boolean;
}

interface Candidate {
  readonly host: string;
  readonly mail: Mail;
  readonly domain: string;
  /** What discovery found. */
  readonly found: CachedPolicy | undefined;
  /** The same, unless its mode is none. */
  readonly policy: CachedPolicy | undefined;
  readonly enforced: boolean;
  /** RFC 8461 §4.1; true without a policy. */
  readonly permitted: boolean;
}

const UNLISTED: Failure = {
  type: 'validation-failure',
  why: 'not among the mx of the policy (RFC 8461 §4.1)',
};
const UNTRIED: Outcome = { kind: 'temporary', detail: '', byPolicy: false };

export function createDelivery(setting: Setting, cache: PolicyCache, log: SessionLog): Deliver {
  const { dns, network, timeouts, fault } = setting;

  async function deliver(
    mail: Mail,
    domain: string,
    policy: CachedPolicy | undefined,
  ): Promise<Outcome> {
    const candidates = await mxCandidates(domain, dns);
    if (candidates.kind !== 'hosts') return candidates;
    // RFC 8461 §5.1: one candidate after the other; a host that fails its checks is as good as
    // unreachable (§8.4).
    const hosts = fault === 'only-first-mx' ? candidates.hosts.slice(0, 1) : candidates.hosts;
    let outcome = UNTRIED;
    for (const host of hosts) {
      outcome = both(outcome, await tryHost(candidate(host, mail, domain, policy)));
      if (outcome.kind !== 'temporary') return outcome;
    }
    // RFC 5321 §5.1: where MX records exist, the domain's address records are not used.
    if (fault === 'falls-back-to-address-record')
      return both(outcome, await tryHost(candidate(domain, mail, domain, undefined)));
    return outcome;
  }

  function candidate(
    host: string,
    mail: Mail,
    domain: string,
    own: CachedPolicy | undefined,
  ): Candidate {
    // RFC 8461 §5: a policy binds its own domain and no other that shares the MX.
    const found = fault === 'caches-by-mx' ? (own ?? policyNaming(host, cache)) : own;
    const mode = modeOf(found, fault);
    const policy = mode === 'none' ? undefined : found;
    return {
      host,
      mail,
      domain,
      found,
      policy,
      enforced: mode === 'enforce',
      permitted: !policy || permits(policy.policy, host, fault),
    };
  }

  async function tryHost(candidate: Candidate): Promise<Outcome> {
    const { host, domain, found, enforced, permitted } = candidate;
    if (enforced && !permitted) {
      log.failed({ domain, policy: found, host }, UNLISTED);
      return forbidden(host, UNLISTED.why);
    }
    const answer = await dns.addresses(host);
    if (answer.kind !== 'records')
      return temporary(host, answer.kind === 'failure' ? answer.why : 'no address');
    let outcome = UNTRIED;
    for (const address of answer.records) {
      outcome = both(outcome, await tryAddress(candidate, address));
      if (outcome.kind !== 'temporary') return outcome;
    }
    return outcome;
  }

  async function tryAddress(candidate: Candidate, address: string): Promise<Outcome> {
    const { host, mail, domain, found, policy, enforced, permitted } = candidate;
    let session: SmtpSession | undefined;
    try {
      session = await open(address, mail);
      if (!policy && fault === 'no-opportunistic-tls')
        return delivered(host, await session.send(mail), 'in clear');
      const problem = await secure(session, candidate);
      const failure = problem ?? (permitted ? undefined : UNLISTED);
      const seen = { domain, policy: found, host, address };
      if (failure) log.failed(seen, failure);
      else log.succeeded(seen);
      // RFC 8461 §5: under enforce no mail goes to a host that fails. RFC 3207 §4.1: QUIT at once.
      if (problem && enforced && !overlooked(problem, fault))
        return forbidden(host, `${problem.why}, policy demands it (RFC 8461 §5)`);
      if (problem?.connectionLost) {
        session.quit();
        session = await open(address, mail);
      }
      const inTls = problem === undefined || problem.at === 'certificate';
      // RFC 3207 §4.2: EHLO again, inside TLS.
      if (inTls && fault !== 'no-ehlo-after-tls') await session.hello();
      return delivered(host, await session.send(mail), inTls ? 'over TLS' : 'in clear');
    } catch (error) {
      // RFC 5321 §4.2.1.
      if (error instanceof SmtpRefusal && error.permanent)
        return { kind: 'permanent', detail: `${host}: ${error.message}` };
      return temporary(host, messageOf(error));
    } finally {
      session?.quit();
    }
  }

  async function open(address: string, { from, to }: Mail): Promise<SmtpSession> {
    const socket = await within(timeouts.connectMs, 'the connection', (signal) =>
      network.connect(address, 25, signal),
    );
    return openSmtp(socket, { name: domainOf(from || to), timeouts, fault });
  }

  /**
   * RFC 8461 §4.2, RFC 3207: TLS with the candidate; undefined when it is as good as the policy
   * asks.
   */
  async function secure(
    session: SmtpSession,
    { host, mail, policy }: Candidate,
  ): Promise<TlsProblem | undefined> {
    if (!session.offers('STARTTLS'))
      return { at: 'starttls-offer', type: 'starttls-not-supported', why: 'STARTTLS not offered' };
    let socket: tls.TLSSocket;
    try {
      const { code } = await session.command('STARTTLS');
      if (code !== 220) {
        const why = `STARTTLS answered ${code}`;
        return {
          at: 'starttls-reply',
          type: 'starttls-not-supported',
          why,
          reason: why,
          connectionLost: code === 421,
        };
      }
      // RFC 8461 §7.1: SNI with the name of the MX.
      socket = await session.startTls({
        trust: setting.trust.mxHosts,
        servername: fault === 'no-sni-to-mx' ? undefined : host,
      });
    } catch (error) {
      const why = `STARTTLS failed: ${messageOf(error)}`;
      return {
        at: 'handshake',
        type: 'validation-failure',
        why,
        reason: messageOf(error),
        connectionLost: true,
      };
    }
    // RFC 3207 §4.1: first decide whether this is secure enough, then go on.
    if (policy && fault === 'mail-before-check') {
      await session.hello();
      await session.command(`MAIL FROM:<${mail.from}>`);
      await session.command('RSET');
    }
    // RFC 7435: without a policy the certificate does not matter.
    return policy && certificateProblem(socket, host, policy, fault);
  }

  return deliver;
}

/**
 * RFC 8461 §4.2: the path leads to a trusted root, nothing in it has expired, and a DNS-ID names
 * the host dialled, not just a pattern.
 */
function certificateProblem(
  socket: tls.TLSSocket,
  host: string,
  { policy }: CachedPolicy,
  fault?: FaultName,
): TlsProblem | undefined {
  if (fault === 'no-mx-certificate-check') return undefined;
  const invalid = pathProblem(socket);
  if (invalid !== undefined && !condoned(invalid, fault)) {
    const type =
      invalid === 'CERT_HAS_EXPIRED' || invalid === 'CERT_NOT_YET_VALID'
        ? 'certificate-expired'
        : 'certificate-not-trusted';
    return { at: 'certificate', type, why: `certificate not valid: ${invalid}`, reason: invalid };
  }
  // Node hands it out once.
  const certificate = socket.getPeerX509Certificate();
  if (
    fault === 'certificate-matches-policy-not-host' &&
    dnsNamesOf(certificate).some((name) => permits(policy, name))
  )
    return undefined;
  const dislike = disliked(certificate, fault);
  if (dislike)
    return { at: 'certificate', type: 'certificate-not-trusted', why: dislike, reason: dislike };
  const named = identifies(certificate, host, { commonName: fault === 'mx-cn-fallback' });
  return named
    ? undefined
    : {
        at: 'certificate',
        type: 'certificate-host-mismatch',
        why: 'the certificate does not name the host',
      };
}

/** Faults: right certificates (RFC 8461 §4.2) that are refused all the same. */
function disliked(leaf: X509Certificate | undefined, fault?: FaultName): string | undefined {
  const issuer = leaf?.issuerCertificate;
  if (fault === 'refuses-rsa-keys' && leaf?.publicKey.asymmetricKeyType === 'rsa')
    return 'the key is RSA';
  if (fault === 'refuses-intermediates' && issuer && !issuer.checkIssued(issuer))
    return 'an intermediate vouches for it';
  if (
    fault === 'refuses-wildcard-certificates' &&
    dnsNamesOf(leaf).some((name) => name.startsWith('*'))
  )
    return 'a wildcard names it';
  return fault === 'refuses-empty-subject' && !leaf?.subject ? 'the subject is empty' : undefined;
}

function condoned(invalid: string, fault?: FaultName): boolean {
  if (fault === 'accepts-expired-certificate') return invalid === 'CERT_HAS_EXPIRED';
  return fault === 'accepts-client-auth-certificate' && invalid === 'INVALID_PURPOSE';
}

/** RFC 8461 §5: testing and none never stop a delivery. */
function modeOf(
  found: CachedPolicy | undefined,
  fault?: FaultName,
): 'enforce' | 'testing' | 'none' {
  const mode = found?.policy.mode ?? 'none';
  if (mode === 'testing' && fault === 'enforces-testing') return 'enforce';
  if (found && mode === 'none' && fault === 'enforces-none') return 'enforce';
  return mode;
}

/** Faults: the mail goes out in clear although the policy is enforced. */
function overlooked({ at }: TlsProblem, fault?: FaultName): boolean {
  if (fault === 'plaintext-when-starttls-missing') return at === 'starttls-offer';
  if (fault === 'plaintext-after-454') return at === 'starttls-reply';
  return fault === 'plaintext-after-failed-handshake' && at === 'handshake';
}

function policyNaming(host: string, { policies }: PolicyCache): CachedPolicy | undefined {
  return policies.values().find(({ policy }) => permits(policy, host));
}

function delivered(
  host: string,
  { code, lines }: { code: number; lines: readonly string[] },
  channel: string,
): Outcome {
  return { kind: 'delivered', detail: `${host}: ${channel}: ${code} ${lines.join(' ')}` };
}

function temporary(host: string, why: string): Outcome {
  return { kind: 'temporary', detail: `${host}: ${why}`, byPolicy: false };
}

function forbidden(host: string, why: string): Outcome {
  return { kind: 'temporary', detail: `${host}: ${why}`, byPolicy: true };
}

/** What two attempts come to: the second decides, unless both are temporary. */
function both(first: Outcome, second: Outcome): Outcome {
  if (first.kind !== 'temporary' || second.kind !== 'temporary' || first.detail === '')
    return second;
  return {
    kind: 'temporary',
    detail: `${first.detail}; ${second.detail}`,
    byPolicy: first.byPolicy || second.byPolicy,
  };
}
