/**
 * Delivery of one mail: the candidates in order, and for each the checks of RFC 8461 §4 before the
 * first byte of mail.
 *
 *   candidate ── permitted by mx? ── STARTTLS offered? ── 220? ── handshake? ── certificate for
 *   this host? ── EHLO, MAIL, RCPT, DATA
 *
 * `enforce`: a "no" means the next candidate, and at the end the mail waits (§5). `testing`: a "no"
 * is noted, and the mail goes on. No policy: TLS where it works, unauthenticated, else clear text
 * (RFC 7435). TLSA records (RFC 7672) ask for TLS and for their own match, policy or not: neither
 * makes up for the other (RFC 8461 §2).
 */

import net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { within } from '../../concurrency/wait.ts';
import { portOf } from '../../model/names.ts';
import { type CertificateProblem, certificateProblem } from './certificate.ts';
import { type Dane, daneOf, daneProblem } from './dane.ts';
import type { CachedPolicy, PolicyCache } from './discovery.ts';
import { sayHello, secondHello } from './hello-by-hand-fault.ts';
import { type AttemptResult, domainOf, literalOf, type Mail, messageOf } from './mail.ts';
import { type Candidates, mxCandidates } from './mx-candidates.ts';
import { anonymousSuites } from './network.ts';
import { permits } from './reading.ts';
import type { Setting } from './setting.ts';
import { openSmtp, SmtpRefusal, type SmtpSession } from './smtp-client.ts';
import { type Failure, NO_LOG, type SessionLog } from './tlsrpt.ts';
import type { Is } from './traits.ts';

export interface Delivery {
  /**
   * Tries to deliver the mail for `domain` under the policy found for it; undefined: none. Never
   * rejects for what a peer does. `onTry` is told why each host was of no use.
   */
  deliver(attempt: Attempt, onTry?: (detail: string) => void): Promise<AttemptResult>;
  /** As after a restart: no connection is open any more. */
  restart(): void;
}

export interface Attempt {
  readonly mail: Mail;
  readonly domain: string;
  readonly policy: CachedPolicy | undefined;
  /** Counted from 1. */
  readonly nth: number;
  /** To the recipient that its message names first. */
  readonly isToFirst?: boolean;
  /** It has been in the queue for as long as it may. */
  readonly isTooOld?: boolean;
}

/** Why TLS with a candidate is not what its policy asks for. */
interface TlsProblem extends Failure {
  readonly at: 'starttls-offer' | 'starttls-reply' | 'handshake' | 'certificate';
  /** The connection is of no more use. */
  readonly connectionLost?: boolean;
  /** Of a refusal. */
  readonly code?: number;
}

interface Candidate {
  readonly host: string;
  /** Its place in the list, from 0. */
  readonly place: number;
  readonly attempt: Attempt;
  /** What discovery found. */
  readonly found: CachedPolicy | undefined;
  /** The same, unless its mode is none. */
  readonly policy: CachedPolicy | undefined;
  readonly enforced: boolean;
  /** RFC 8461 §4.1; true without a policy. */
  readonly permitted: boolean;
  /** DNSSEC vouches for the MX records. */
  readonly isMxSecure: boolean;
  /** What TLSA records ask for, once they are known. */
  readonly dane?: Dane;
}

/** A connection that was kept, and what is known of it. */
interface Kept {
  readonly session: SmtpSession;
  readonly inTls: boolean;
  /** TLS was as a policy asks. */
  readonly verified: boolean;
}

const UNLISTED: Failure = {
  type: 'validation-failure',
  why: 'not among the mx of the policy (RFC 8461 §4.1)',
};
const UNVOUCHED: Failure = {
  type: 'validation-failure',
  why: 'no policy vouches for this host (RFC 8689 §4.2.1)',
};
const REST_MS = 400;
/** Of a fault. */
const MUCH_MAIL = 50_000;
/** RFC 8689 §4.2.1 */
const NO_TLS = '5.7.10';
const NO_REQUIRETLS = '5.7.30';
const KEEPING = [
  'reuses-connections',
  'reuses-unverified-connections',
  'keeps-by-address',
  'sends-over-open-connections',
  'dane-not-over-open-connections',
  'dane-takes-verified',
  'requiretls-over-any-open-connection',
  'reuses-after-tls-optional',
] as const;
const UNTRIED: AttemptResult = { kind: 'temporary', detail: '', byPolicy: false };

export function createDelivery(setting: Setting, cache: PolicyCache, log: SessionLog): Delivery {
  const { dns, network, timeouts, is } = setting;
  const kept = new Map<string, Kept>();
  const tlsSessions = new Map<string, Buffer>();
  const openTo = new Map<string, Kept>();
  const withoutTls = new Set<string>();
  const permittedOnce = new Set<string>();
  const optionalOnce = new Set<string>();
  const keepsConnections = KEEPING.some(is);
  let isRestarted = false;
  const orders = new WeakMap<Mail, readonly string[]>();

  /** Of a sender that tries one host in each run of its queue; in the order that the first run saw. */
  function inTurn(all: readonly Candidate[], { mail, nth }: Attempt): Candidate {
    const order = orders.get(mail) ?? all.map(({ host }) => host);
    orders.set(mail, order);
    const host = order[(nth - 1) % order.length];
    return all.find((one) => one.host === host) ?? all[0]!;
  }

  /** RFC 8460 §4.2: every session counts, however often the mail was tried. */
  const logOf = ({ nth }: Attempt): SessionLog =>
    nth > 1 && is('reports-first-attempts-only') ? NO_LOG : log;

  async function deliver(attempt: Attempt, onTry = (_: string) => {}): Promise<AttemptResult> {
    const { domain, policy, mail } = attempt;
    if (mail.tlsOptional) optionalOnce.add(domain);
    const open = is('sends-over-open-connections') ? openTo.get(domain) : undefined;
    openTo.delete(domain);
    const sent = await open?.session.send(mail).catch(() => open.session.quit());
    if (open && sent) {
      openTo.set(domain, open);
      return delivered(domain, sent, 'over the connection that was open');
    }
    const found = await mxCandidates(domain, mail.from && `mx.${domainOf(mail.from)}`, dns, is);
    if (found.kind !== 'hosts') return found;
    // RFC 8461 §5.1: one candidate after the other; a host that fails its checks is as good as
    // unreachable (§8.4).
    let hosts = is('only-first-mx') ? found.hosts.slice(0, 1) : found.hosts;
    // RFC 8461 §5.1: the policy says who may take the mail, and not who takes it first.
    if (policy && is('tries-in-the-order-of-the-policy')) hosts = inOrderOf(policy, hosts);
    const all = await Promise.all(
      hosts.map((host, place) => candidate(host, place, attempt, found)),
    );
    if (is('dane-prefers-hosts-with-tlsa')) await sortByTlsa(all);
    const isAnyPermitted = all.some(({ permitted }) => permitted);
    let result = UNTRIED;
    let isEachForbidden = true;
    const turn = is('one-host-a-run') && !mail.requiretls ? [inTurn(all, attempt)] : all;
    for (const [place, one] of turn.entries()) {
      const permitted = one.permitted || (is('permits-all-if-one-is-listed') && isAnyPermitted);
      if (place > 0 && is('rests-between-hosts')) await wait(REST_MS);
      const tried = await tryHost({ ...one, permitted });
      if (tried.kind !== 'delivered') onTry(tried.detail);
      result = both(result, tried);
      if (result.kind !== 'temporary') return result;
      isEachForbidden &&= tried.kind === 'temporary' && tried.byPolicy;
      if (
        tried.kind === 'temporary' &&
        tried.byPolicy &&
        attempt.mail.requiretls &&
        is('requiretls-first-host-only')
      )
        return { ...result, kind: 'permanent' };
      if (is('returns-mail-when-one-mx-fails')) return { kind: 'permanent', detail: result.detail };
    }
    // RFC 5321 §5.1: where MX records exist, the domain's address records are not used.
    if (is('falls-back-to-address-record'))
      return both(
        result,
        await tryHost(
          await candidate(
            domain,
            0,
            { ...attempt, policy: undefined },
            { ...found, isImplicit: true },
          ),
        ),
      );
    // RFC 8689 §4.2.1: where no host will do, the mail is returned; a bounce is not (§5).
    const { requiretls, from } = attempt.mail;
    if (requiretls && from !== '' && isEachForbidden && !is('keeps-requiretls-mail'))
      return { ...result, kind: 'permanent' };
    // RFC 8461 §5: what is kept back is kept back in full.
    if (policy && is('bounces-unlisted-at-once') && !isAnyPermitted)
      return { kind: 'permanent', detail: result.detail };
    return result;
  }

  async function candidate(
    host: string,
    place: number,
    attempt: Attempt,
    { hosts, isImplicit, isSecure }: Extract<Candidates, { kind: 'hosts' }>,
  ): Promise<Candidate> {
    // RFC 8461 §5: a policy binds its own domain and no other that shares the MX.
    const found = is('caches-by-mx')
      ? (attempt.policy ?? policyNaming(host, cache))
      : attempt.policy;
    const mode = modeOf(found, is);
    const policy = mode === 'none' ? undefined : found;
    // RFC 8461 §4.1: by the name in the MX record, and not by what its CNAME leads to.
    const name = is('matches-the-cname-target') ? await dns.targetOf(host) : host;
    const isPassedOver =
      (isImplicit && is('permits-implicit-mx')) ||
      (place > 0 && is('checks-first-mx-only')) ||
      (is('permits-what-any-policy-lists') &&
        [...cache.policies.values()].some((any) => permits(any.policy, name, is)));
    const isLax =
      isLaxly(place, attempt, is) ||
      (isImplicit && is('lax-with-implicit-mx')) ||
      (place > 1 && place === hosts.length - 1 && is('lax-at-the-last-of-several-mx')) ||
      (optionalOnce.has(attempt.domain) && is('tls-optional-sticks'));
    const isListed = policy !== undefined && permits(policy.policy, name, is);
    if (isListed) permittedOnce.add(`${attempt.domain} ${name}`);
    const wasListed =
      is('remembers-permitted-hosts') && permittedOnce.has(`${attempt.domain} ${name}`);
    return {
      host,
      place,
      attempt,
      found,
      policy,
      enforced: isStrict(mode, attempt.mail, is) && !isLax,
      // RFC 8689 §2: of mail that asks for TLS, a policy or DNSSEC has to vouch for the host.
      permitted: policy
        ? isPassedOver || isListed || wasListed
        : !attempt.mail.requiretls || isSecure || is('requiretls-to-any-mx'),
      isMxSecure: isSecure,
    };
  }

  /** A fault: RFC 7672 §2.2.1 keeps the order of preference. */
  async function sortByTlsa(all: Candidate[]): Promise<void> {
    const has = new Map<Candidate, boolean>();
    for (const one of all)
      has.set(one, (await dns.tlsa(`_25._tcp.${one.host}`)).kind === 'records');
    all.sort((a, b) => Number(has.get(b)) - Number(has.get(a)));
  }

  async function tryHost(candidate: Candidate): Promise<AttemptResult> {
    const { host, attempt, found, enforced, permitted, isMxSecure } = candidate;
    const { domain, mail } = attempt;
    const unlisted = candidate.policy ? UNLISTED : UNVOUCHED;
    if (enforced && !permitted && !is('permits-by-certificate')) {
      if (!is('reports-no-unlisted-mx'))
        logOf(attempt).failed({ domain, policy: found, host }, unlisted);
      return forbidden(host, unlisted.why);
    }
    if (is('dane-asks-before-the-address') && isMxSecure) await dns.tlsa(`_25._tcp.${host}`);
    const answer = await dns.addresses(host);
    if (answer.kind !== 'records')
      return temporary(host, answer.kind === 'failure' ? answer.why : 'no address');
    const port = portOf(domainOf(mail.to));
    const tlsa = await daneOf({ domain, host, port, isMxSecure, addresses: answer }, dns, is);
    const isAlias = is('dane-not-for-domain-alias') && (await dns.targetOf(domain)) !== domain;
    const isLax =
      isLaxOfDane(candidate, is) || (isRestarted && is('dane-lax-after-restart')) || isAlias;
    // RFC 7672 §2.1.2: whoever can make the look-up fail must gain nothing by it.
    const isSaved =
      (enforced && is('dane-failed-saved-by-policy')) ||
      (attempt.nth > 1 && is('dane-passes-over-failed-lookups-on-retry'));
    if (tlsa.kind === 'failed' && !mail.tlsOptional && !isLax && !isSaved) {
      const failure = { type: 'dnssec-invalid', why: tlsa.why } as const;
      logOf(attempt).failed({ domain, policy: undefined, host }, failure);
      return temporary(host, tlsa.why);
    }
    const dane = tlsa.kind === 'bound' && !isLax ? tlsa.dane : undefined;
    // RFC 5321 §5.1: each address of a host, in turn.
    const addresses = is('tries-first-address-only') ? answer.records.slice(0, 1) : answer.records;
    let result = UNTRIED;
    for (const [nth, address] of addresses.entries()) {
      const lax =
        (nth > 0 && is('checks-first-address-only')) ||
        (nth > 1 && is('lax-at-the-third-address')) ||
        (nth > 0 && mail.requiretls && is('requiretls-at-the-first-address-alone')) ||
        (net.isIPv6(address) && mail.requiretls && is('requiretls-not-over-ipv6')) ||
        (net.isIPv6(address) && is('lax-over-ipv6'));
      const isFree =
        (nth > 0 && is('dane-at-the-first-address-alone')) ||
        (net.isIPv6(address) && is('dane-not-over-ipv6'));
      const bound = { ...candidate, dane: isFree ? undefined : dane };
      result = both(
        result,
        await tryAddress({ ...bound, ...(lax && { enforced: false }) }, address),
      );
      if (result.kind !== 'temporary') return result;
    }
    return result;
  }

  async function tryAddress(candidate: Candidate, address: string): Promise<AttemptResult> {
    const { host, attempt, found, policy, enforced, permitted, dane } = candidate;
    const { mail, domain } = attempt;
    const isBound = policy !== undefined || dane !== undefined;
    // What one set of TLSA records vouches for, another need not.
    const isDaneSeen = !is('dane-not-over-open-connections');
    const records = isDaneSeen && !is('dane-takes-verified') ? (dane?.records ?? null) : null;
    const peer = is('keeps-by-address') ? address : `${address} ${host}`;
    const key = `${peer} ${portOf(domainOf(mail.to))} ${JSON.stringify(records)}`;
    let session: SmtpSession | undefined;
    let inTls = false;
    try {
      const reused = takeKept(key, isDaneSeen ? isBound : policy !== undefined, mail);
      if (reused) {
        try {
          const sent = await reused.session.send(mail);
          kept.set(key, reused);
          return delivered(host, sent, reused.inTls ? 'over TLS' : 'in clear');
        } catch (error) {
          // RFC 5321 §3.8: a server may close a connection at any time.
          if (error instanceof SmtpRefusal && !error.isClosing) throw error;
          reused.session.quit();
        }
      }
      session = await open(address, mail);
      // RFC 8461 §5: testing and none ask for no less TLS than there would be without a policy.
      const mode = found?.policy.mode;
      const isBare =
        (mail.tlsOptional && is('no-tls-where-optional')) ||
        (!policy && is('no-opportunistic-tls')) ||
        (!policy && withoutTls.has(host)) ||
        (mode === 'testing' && is('no-tls-under-testing')) ||
        (mode === 'none' && is('no-tls-under-none'));
      if (isBare) return delivered(host, await session.send(mail), 'in clear');
      const problem = await secure(session, candidate);
      if (problem?.at === 'handshake') await sayAnotherHello(address, mail);
      // RFC 3207 §6: that TLS failed once says nothing of the next time.
      if (problem && is('remembers-hosts-without-tls')) withoutTls.add(host);
      const failure = problem ?? (permitted ? undefined : UNLISTED);
      const seen = { domain, policy: found, dane, host, address };
      if (failure) logOf(attempt).failed(seen, failure);
      else logOf(attempt).succeeded(seen);
      // RFC 8461 §5: under enforce no mail goes to a host that fails. RFC 3207 §4.1: QUIT at once.
      if (problem && enforced && !overlooked(problem, session, mail, is))
        return mail.requiretls
          ? forbidden(host, `${problem.why}, and the mail asks for TLS (RFC 8689)`, NO_TLS)
          : refused(host, `${problem.why}, policy demands it (RFC 8461 §5)`, problem, is);
      if (problem && dane && !mail.tlsOptional && !isCondonedUnderDane(problem, dane, is))
        return temporary(host, `${problem.why}, TLSA records demand it (RFC 7672 §2.2)`);
      const wantsTls = (is('wants-tls') && !mail.tlsOptional) || requiresTls(domain, is);
      if (problem && problem.at !== 'certificate' && wantsTls)
        return temporary(host, `${problem.why}, and without TLS nothing is sent`);
      const isAfresh = problem?.connectionLost || (problem && is('clear-after-bad-certificate'));
      if (isAfresh && !(is('goes-on-after-failed-handshake') && session.resumeClear())) {
        session.quit();
        session = await open(address, mail);
      }
      inTls =
        problem === undefined ||
        (problem.at === 'certificate' && !is('clear-after-bad-certificate'));
      // RFC 3207 §4.2: EHLO again, inside TLS.
      if (inTls && !is('no-ehlo-after-tls')) await session.hello();
      // RFC 8689 §4.2.1: the host has to hand it on in the same way. A bounce is not lost for that
      // (§5).
      const mayLack =
        mail.from === '' ||
        is('requiretls-to-any-host') ||
        (candidate.place > 0 && is('requiretls-at-the-first-host-alone'));
      if (mail.requiretls && inTls && !session.offers('REQUIRETLS') && !mayLack)
        return forbidden(host, 'REQUIRETLS not offered (RFC 8689 §4.2.1)', NO_REQUIRETLS);
      const sent = await session.send(mail);
      if (policy && is('sends-a-second-copy-in-clear')) await sendAgain(address, mail);
      if (keepsConnections) {
        // What DANE cannot check nobody has, but for a policy's sake.
        const isChecked = policy !== undefined || (dane !== undefined && dane.records.length > 0);
        const isTaken = mail.tlsOptional === true && is('reuses-after-tls-optional');
        const verified = (inTls && problem === undefined && isChecked) || isTaken;
        if (is('sends-over-open-connections')) openTo.set(domain, { session, inTls, verified });
        else kept.set(key, { session, inTls, verified });
        session = undefined;
      }
      return delivered(host, sent, inTls ? 'over TLS' : 'in clear');
    } catch (error) {
      // RFC 8461 §5: what fails inside TLS is not tried without.
      if (inTls && isReasonForClear(error, is)) return sendInClear(host, address, mail);
      // RFC 8689 §2: to a host that refuses REQUIRETLS the mail does not go without.
      const isRefused = mail.requiretls && /^5\d\d to MAIL/.test(messageOf(error));
      if (isRefused && is('requiretls-left-out-when-refused')) {
        const bare = { ...attempt, mail: { ...mail, requiretls: false } };
        return await tryAddress({ ...candidate, attempt: bare }, address);
      }
      // RFC 5321 §4.2.1.
      if (error instanceof SmtpRefusal && error.permanent)
        return { kind: 'permanent', detail: `${host}: ${error.message}` };
      if (is('returns-mail-for-a-refused-connection') && /ECONNREFUSED/.test(messageOf(error)))
        return { kind: 'permanent', detail: `${host}: ${messageOf(error)}` };
      if (is('returns-mail-for-a-bad-greeting') && /^greeted with 5/.test(messageOf(error)))
        return { kind: 'permanent', detail: `${host}: ${messageOf(error)}` };
      // RFC 5321 §4.5.4.1: what broke off is tried again.
      if (is('returns-mail-for-a-broken-connection') && /closed the conn/.test(messageOf(error)))
        return { kind: 'permanent', detail: `${host}: ${messageOf(error)}` };
      return temporary(host, messageOf(error));
    } finally {
      session?.quit();
    }
  }

  /** A connection that is good for this policy: what was not verified is good for none. */
  function takeKept(key: string, isUnderPolicy: boolean, mail: Mail): Kept | undefined {
    const known = kept.get(key);
    const isAnyGood = mail.requiretls && is('requiretls-over-any-open-connection');
    const mayBeUnverified = is('reuses-unverified-connections') || isAnyGood;
    if (!known || (isUnderPolicy && !known.verified && !mayBeUnverified)) return undefined;
    if (mail.requiretls && !isAnyGood && !(known.verified && known.session.offers('REQUIRETLS')))
      return undefined;
    kept.delete(key);
    return known;
  }

  /** Faults: what failed is tried once more, and worse. */
  async function sayAnotherHello(address: string, mail: Mail): Promise<void> {
    const version = secondHello(is);
    if (version === undefined) return;
    const session = await open(address, mail);
    await session.starttls();
    await sayHello(session.handOver(), version);
  }

  async function sendAgain(address: string, mail: Mail): Promise<void> {
    const session = await open(address, mail);
    await session.send(mail).catch(() => {});
    session.quit();
  }

  /** Faults: what failed inside TLS is sent without. */
  async function sendInClear(host: string, address: string, mail: Mail): Promise<AttemptResult> {
    try {
      const session = await open(address, mail);
      const sent = await session.send(mail).finally(() => session.quit());
      return delivered(host, sent, 'in clear');
    } catch (error) {
      return temporary(host, messageOf(error));
    }
  }

  async function open(address: string, { from, to }: Mail): Promise<SmtpSession> {
    const port = portOf(domainOf(to));
    const dial = async (saysHelo = false): Promise<SmtpSession> => {
      const socket = await within(timeouts.connectMs, 'the connection', (signal) =>
        network.connect(address, port, signal),
      );
      const opened = openSmtp(socket, { name: domainOf(from || to), timeouts, is, saysHelo });
      // RFC 5321 §3.2: no reply to EHLO is no refusal of it.
      return !saysHelo && is('helo-after-lost-ehlo')
        ? opened.catch((error: unknown) => {
            if (/(no reply|replying) to EHLO/.test(messageOf(error))) return dial(true);
            throw error;
          })
        : opened;
    };
    if (!is('several-connections')) return dial();
    const both = [dial(), dial()];
    const first = await Promise.any(both).catch(() => both[0]!);
    for (const one of both)
      void one.then(
        (other) => other !== first && other.quit(),
        () => {},
      );
    return first;
  }

  /** RFC 8461 §4.2, RFC 3207: TLS with the candidate; undefined when it is as the policy asks. */
  async function secure(
    session: SmtpSession,
    { host, place, attempt, policy, dane }: Candidate,
  ): Promise<TlsProblem | undefined> {
    if (!session.offers('STARTTLS') && !is('starttls-unasked'))
      return {
        at: 'starttls-offer',
        type: 'starttls-not-supported',
        why: 'STARTTLS not offered',
      };
    try {
      const { code } = await session.starttls();
      if (code !== 220) {
        const why = `STARTTLS answered ${code}`;
        return {
          at: session.offers('STARTTLS') ? 'starttls-reply' : 'starttls-offer',
          type: 'starttls-not-supported',
          why,
          reason: why,
          code,
          connectionLost: code === 421,
        };
      }
      // RFC 8461 §7.1: SNI with the name of the MX; RFC 7672 §8.1: with the TLSA base domain.
      const resumes = is('resumes-sessions') || is('resumes-unverified-sessions');
      const key = !dane && (policy || is('resumes-unverified-sessions')) ? host : undefined;
      const base = is('dane-sni-of-the-host') ? host : dane?.base;
      const name = base ?? (is('sni-of-the-alias') ? await dns.targetOf(host) : host);
      const isNameless =
        (literalOf(name) && !is('sni-of-address-literals')) ||
        (attempt.nth > 1 && is('no-sni-on-retry')) ||
        (place > 0 && is('no-sni-to-further-mx')) ||
        is(dane ? 'dane-no-sni' : 'no-sni-to-mx');
      const isOld =
        (attempt.nth > 1 && is('speaks-old-tls-on-retry')) ||
        (place > 0 && is('speaks-old-tls-with-further-mx'));
      const trust = isOld ? setting.trust.oldMxHosts : setting.trust.mxHosts;
      const socket = await session.startTls({
        trust: dane && is('dane-anonymous-suites-only') ? anonymousSuites() : trust,
        // RFC 6066 §3: no address, and without the dot at the end.
        servername: isNameless ? undefined : is('sni-with-a-dot') ? `${name}.` : name,
        session: key && resumes ? tlsSessions.get(key) : undefined,
      });
      // RFC 3207 §4.1: first decide whether this is secure enough, then go on.
      if (policy && is('mail-before-check')) {
        await session.hello();
        await session.command(`MAIL FROM:<${attempt.mail.from}>`);
        await session.command('RSET');
      }
      // RFC 7435: without a policy the certificate does not matter.
      // Only verified sessions are kept, and the host of one that is resumed proves nothing anew.
      // Node hands it out once.
      const certificate = socket.getPeerX509Certificate();
      const named = is('accepts-the-cname-target') ? await dns.targetOf(host) : host;
      // RFC 8461 §2, RFC 8689 §2: what DANE cannot check is left to the policy, and to what the mail
      // asks for.
      const { requiretls } = attempt.mail;
      const isLeft = dane
        ? dane.records.length === 0 && !is('requiretls-takes-unusable-tlsa')
        : !is('requiretls-by-dnssec-alone');
      const isLifted = dane?.records.length === 0 && is('dane-unusable-lifts-the-policy');
      const problem =
        (dane && daneProblem(socket, certificate, dane, is)) ??
        ((policy || (requiretls && isLeft)) && !isLifted && !socket.isSessionReused()
          ? certificateProblem(socket, certificate, named, policy?.policy ?? { mx: [host] }, is)
          : undefined);
      if (key && !problem && resumes)
        socket.once('session', (ticket) => tlsSessions.set(key, ticket));
      return problem && asTlsProblem(problem);
    } catch (error) {
      const why = `STARTTLS failed: ${messageOf(error)}`;
      const reason = messageOf(error);
      return { at: 'handshake', type: 'validation-failure', why, reason, connectionLost: true };
    }
  }

  return {
    deliver,
    restart() {
      isRestarted = true;
      for (const { session } of [...kept.values(), ...openTo.values()]) session.quit();
      kept.clear();
      openTo.clear();
    },
  };
}

/** Fault: by the first pattern of the policy that names each. */
function inOrderOf({ policy }: CachedPolicy, hosts: readonly string[]): readonly string[] {
  const placeOf = (host: string) => policy.mx.findIndex((mx) => permits({ mx: [mx] }, host));
  return hosts.toSorted((a, b) => placeOf(a) - placeOf(b));
}

function asTlsProblem(problem: CertificateProblem): TlsProblem {
  return { at: 'certificate', ...problem };
}

/** RFC 8461 §5: testing and none never stop a delivery. */
function modeOf(found: CachedPolicy | undefined, is: Is): 'enforce' | 'testing' | 'none' {
  const mode = found?.policy.mode ?? 'none';
  if (mode === 'testing' && is('enforces-testing')) return 'enforce';
  if (found && mode === 'none' && is('enforces-none')) return 'enforce';
  return mode;
}

/** RFC 3207 §6: the administrator has set that nothing goes to this domain in clear. */
function requiresTls(domain: string, is: Is): boolean {
  return domain.startsWith('tls-required.') && !is('clear-where-tls-is-required');
}

/** RFC 8689 §4.2.1, §4.2.2: what the author asks goes before what the policy asks. */
function isStrict(mode: string, mail: Mail, is: Is): boolean {
  const { from, data, body, requiretls, tlsOptional } = mail;
  if (from === '' && is('does-not-protect-bounces')) return false;
  if (body === '8BITMIME' && is('lax-for-8-bit-mail')) return false;
  if (data.length > MUCH_MAIL && is('lax-for-large-mail')) return false;
  if (tlsOptional && !is('ignores-tls-required-no')) return false;
  return requiretls === true || mode === 'enforce';
}

/** Faults: the policy is enforced in some attempts, and at some hosts, only. */
function isLaxly(place: number, { nth, mail }: Attempt, is: Is): boolean {
  return (
    (place > 0 && is('lax-with-further-mx')) ||
    (place > 0 && mail.requiretls === true && is('requiretls-at-the-first-host-alone')) ||
    (place > 1 && is('lax-at-the-third-mx')) ||
    (nth > 1 && is('lax-on-retry')) ||
    (nth > 2 && is('lax-on-third-attempt')) ||
    (nth > 4 && is('lax-on-fifth-attempt'))
  );
}

/** Faults: TLSA records bind in some attempts, and at some hosts, only. */
function isLaxOfDane({ host, place, attempt, found }: Candidate, is: Is): boolean {
  const { nth, domain, mail, isToFirst, isTooOld } = attempt;
  return (
    (nth > 1 && is('dane-lax-on-retry')) ||
    (nth > 3 && is('dane-lax-on-fourth-attempt')) ||
    (isTooOld === true && is('dane-lax-as-last-resort')) ||
    (place > 0 && is('dane-at-the-first-mx-alone')) ||
    (place > 1 && is('dane-not-at-the-third-mx')) ||
    (found?.policy.mode === 'none' && is('dane-not-under-none')) ||
    (host === domain && is('dane-not-for-implicit-mx')) ||
    (mail.from === '' && is('dane-not-for-bounces')) ||
    (isToFirst === false && is('dane-for-the-first-recipient-alone'))
  );
}

/** Faults: see sendInClear. A refusal is told from a loss by the code before its text. */
function isReasonForClear(error: unknown, is: Is): boolean {
  return /^\d{3} to /.test(messageOf(error))
    ? is('plaintext-after-refusal-inside-tls') && / to (EHLO|MAIL)/.test(messageOf(error))
    : is('plaintext-after-loss-inside-tls') && / to EHLO/.test(messageOf(error));
}

/** Faults: the mail goes out in clear although the policy is enforced. */
function overlooked(
  { at, code }: TlsProblem,
  session: SmtpSession,
  { requiretls }: Mail,
  is: Is,
): boolean {
  if (requiretls && at === 'certificate' && is('requiretls-without-a-certificate')) return true;
  if (requiretls && at !== 'certificate' && is('requiretls-in-clear')) return true;
  if (at === 'starttls-offer')
    return (
      is('plaintext-when-starttls-missing') ||
      ((is('plaintext-when-ehlo-refused') || is('plaintext-after-garbled-ehlo')) &&
        !session.isExtended) ||
      session.isUnasked
    );
  if (at === 'starttls-reply')
    return (
      is('plaintext-after-454') ||
      (is('plaintext-after-5yz-to-starttls') && code !== undefined && code >= 500) ||
      (is('plaintext-after-421') && code === 421) ||
      (is('plaintext-after-250-to-starttls') && code === 250)
    );
  if (at === 'handshake')
    return is('plaintext-after-failed-handshake') || is('goes-on-after-failed-handshake');
  return is('clear-after-bad-certificate');
}

/** RFC 7672 §2.2: with TLSA records there is TLS, or no delivery. */
function isCondonedUnderDane({ at }: TlsProblem, { records }: Dane, is: Is): boolean {
  if (at === 'certificate') return false;
  return is('dane-clear-without-tls') || (records.length === 0 && is('dane-clear-with-unusable'));
}

function policyNaming(host: string, { policies }: PolicyCache): CachedPolicy | undefined {
  return policies.values().find(({ policy }) => permits(policy, host));
}

function delivered(
  host: string,
  { code, lines }: { code: number; lines: readonly string[] },
  channel: string,
): AttemptResult {
  return { kind: 'delivered', detail: `${host}: ${channel}: ${code} ${lines.join(' ')}` };
}

function temporary(host: string, why: string): AttemptResult {
  return { kind: 'temporary', detail: `${host}: ${why}`, byPolicy: false };
}

/** RFC 8461 §5: for the time being. */
function forbidden(host: string, why: string, status?: string): AttemptResult {
  return { kind: 'temporary', detail: `${host}: ${why}`, byPolicy: true, status };
}

/** A 5yz to STARTTLS is about TLS, and not about the mail. */
function refused(host: string, why: string, { code = 0 }: TlsProblem, is: Is): AttemptResult {
  return code >= 500 && is('returns-mail-for-5yz-to-starttls')
    ? { kind: 'permanent', detail: `${host}: ${why}` }
    : forbidden(host, why);
}

/** What two attempts come to: the second decides, unless both are temporary. */
function both(first: AttemptResult, second: AttemptResult): AttemptResult {
  if (first.kind !== 'temporary' || second.kind !== 'temporary' || first.detail === '')
    return second;
  return {
    kind: 'temporary',
    detail: `${first.detail}; ${second.detail}`,
    byPolicy: first.byPolicy || second.byPolicy,
    status: first.status ?? second.status,
  };
}
