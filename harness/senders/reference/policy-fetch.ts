/**
 * The policy fetch (RFC 8461 §3.3): an HTTPS GET of https://mta-sts.<Policy
 * Domain>/.well-known/mta-sts.txt.
 *
 * Only a whole text/plain body under status 200, from a host whose certificate names it, is a
 * policy.
 */

import { setTimeout as wait } from 'node:timers/promises';
import type tls from 'node:tls';
import { within } from '../../concurrency/wait.ts';
import { POLICY_PATH } from '../../model/plan.ts';
import { exchange, type HttpAnswer } from './http.ts';
import { throughHttpCache } from './http-cache-fault.ts';
import { scrape } from './http-scraping-fault.ts';
import { messageOf } from './mail.ts';
import { dnsNamesOf, handshake, identifies, isNamedElsewhere, pathProblem } from './network.ts';
import type { Setting } from './setting.ts';

export type Fetched =
  | { readonly ok: true; readonly body: string }
  /** RFC 8460 §4.3.2.2 */
  | {
      readonly ok: false;
      readonly type: 'sts-policy-fetch-error' | 'sts-webpki-invalid';
      readonly why: string;
    };

export type Get = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<HttpAnswer>;

/** §3.3 suggests a limit; a body beyond it is no policy, and is never cut to fit. */
const BODY_LIMIT_BYTES = 64 * 1024;
const MORE_THAN_ANY_POLICY_BYTES = 20_000_000;
const FOR_EVER_MS = 1_000_000;
/** Fault: so long a session is waited for, however bad the certificate. */
const SESSION_WAIT_MS = 150;

/** Fetches the policy body of a domain. It never rejects. */
type FetchBody = (domain: string) => Promise<Fetched>;

export function createPolicyFetcher(setting: Setting): FetchBody {
  const { is, timeouts } = setting;
  const sessions = new Map<string, Buffer>();
  const ask: Get = (url, headers, signal) => get(setting, sessions, url, headers, signal);
  // §3.3: HTTP caching plays no part.
  const askOrRecall = is('http-cache') ? throughHttpCache(ask) : ask;

  async function fetchFrom(url: URL): Promise<Fetched> {
    try {
      // §3.3: a time-out for the whole GET, so that nobody can hold up delivery byte by byte.
      // Who reads on takes as long as it takes.
      const patience =
        is('no-fetch-time-out') || is('no-body-limit') ? FOR_EVER_MS : timeouts.policyFetchMs;
      const answer = await within(patience, 'the policy fetch', (signal) =>
        askOrRecall(url, {}, signal),
      );
      const why = problemOf(answer, setting);
      if (why !== undefined) return { ok: false, type: 'sts-policy-fetch-error', why };
      return bodyOf(answer, setting);
    } catch (error) {
      // §3.3: only over authenticated HTTPS.
      if (is('fetches-plain-http') && url.protocol === 'https:')
        return fetchFrom(new URL(url.href.replace('https:', 'http:')));
      const type =
        error instanceof PolicyHostCertificateError
          ? 'sts-webpki-invalid'
          : 'sts-policy-fetch-error';
      return { ok: false, type, why: messageOf(error) };
    }
  }

  // §3.2: a fixed path at a fixed host, on the port of https.
  return async (domain) => {
    if (is('asks-another-path-first'))
      await fetchFrom(new URL(`https://mta-sts.${domain}/mta-sts.txt`));
    return fetchFrom(new URL(`https://mta-sts.${domain}${POLICY_PATH}`));
  };
}

class PolicyHostCertificateError extends Error {}

async function get(
  setting: Setting,
  sessions: Map<string, Buffer>,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { dns, network, is } = setting;
  const found = await dns.addresses(url.hostname);
  if (found.kind !== 'records')
    throw new Error(`${url.hostname}: ${found.kind === 'failure' ? found.why : 'no address'}`);
  const port = url.protocol === 'https:' ? 443 : 80;
  const socket = await network.connect(found.records[0]!, port, signal);
  // §7.1: SNI with the name of the policy host.
  const name = is('sni-of-the-policy-alias') ? await dns.targetOf(url.hostname) : url.hostname;
  const servername = is('no-sni-to-policy-host') ? undefined : name;
  const session = sessions.get(url.hostname);
  const secured =
    url.protocol === 'https:'
      ? await handshake(socket, { trust: setting.trust.policyHosts, servername, session }, signal)
      : socket;
  if (is('policy-host-resumes')) {
    // Under TLS 1.3 the session comes a moment after the handshake (RFC 8446 §4.6.1).
    secured.once('session', (ticket: Buffer) => sessions.set(url.hostname, ticket));
    await wait(SESSION_WAIT_MS);
  }
  const isResumed = secured !== socket && (secured as tls.TLSSocket).isSessionReused();
  if (secured !== socket && !isResumed)
    authenticate(secured as tls.TLSSocket, url.hostname, setting);
  const method = is('asks-by-post') ? 'POST' : 'GET';
  const limit = is('no-body-limit') ? MORE_THAN_ANY_POLICY_BYTES : BODY_LIMIT_BYTES;
  const answer = is('scrapes-answers')
    ? await scrape(secured, url)
    : await exchange(secured, { method, url, headers }, limit, signal);
  // §3.3: redirects are not followed.
  const location =
    answer.status >= 300 && answer.status < 400 ? answer.headers.location : undefined;
  const target = location === undefined ? undefined : new URL(location, url);
  if (target && is('follows-redirects')) return get(setting, sessions, target, headers, signal);
  if (target?.host === url.host && target.protocol === 'https:' && is('follows-redirects-at-home'))
    return get(setting, sessions, target, headers, signal);
  return answer;
}

/**
 * §3.3: the certificate's path leads to a trusted root, and a DNS-ID names the policy host; the
 * common name does not count.
 */
function authenticate(socket: tls.TLSSocket, host: string, { is }: Setting): void {
  if (is('accepts-any-policy-host-certificate')) return;
  const invalid = pathProblem(socket);
  const isCondoned =
    (invalid === 'CERT_HAS_EXPIRED' && is('policy-host-may-be-expired')) ||
    (invalid === 'CERT_NOT_YET_VALID' && is('policy-host-may-be-early')) ||
    (invalid === 'CERT_SIGNATURE_FAILURE' && is('policy-host-may-be-forged')) ||
    (invalid === 'INVALID_PURPOSE' && is('policy-host-may-be-a-client')) ||
    (invalid !== undefined && UNTRUSTED.includes(invalid) && is('policy-host-may-be-untrusted'));
  const certificate = socket.getPeerX509Certificate();
  const named =
    identifies(certificate, host, {
      commonName: is('policy-host-cn-fallback'),
      partialWildcards: is('policy-host-partial-wildcards'),
    }) ||
    is('policy-host-of-any-name') ||
    (is('policy-host-of-other-name-types') && isNamedElsewhere(certificate, host)) ||
    (is('policy-host-of-a-longer-name') &&
      dnsNamesOf(certificate).some((name) => name.endsWith(host)));
  const isDisliked =
    (is('policy-host-wants-ec-key') && certificate?.publicKey.asymmetricKeyType === 'rsa') ||
    (is('policy-host-wants-no-wildcard') && certificate?.subjectAltName?.includes('*.') === true) ||
    (is('policy-host-wants-recipient-domain') &&
      !certificate?.subjectAltName?.includes(`DNS:${host.replace(/^mta-sts\./, '')}`));
  if ((invalid === undefined || isCondoned) && named && !isDisliked) return;
  socket.destroy();
  throw new PolicyHostCertificateError(
    `${host}: ${invalid ?? 'the certificate does not name it'} (RFC 8461 §3.3)`,
  );
}

const UNTRUSTED: readonly string[] = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
];

/** Why the answer is no policy. */
function problemOf(
  { status, version, hasInterim, headers, whole }: HttpAnswer,
  { is }: Setting,
): string | undefined {
  // RFC 9110 §2.5, §15.2: HTTP/1.0 is understood, and interim answers are passed over.
  if (version === '1.0' && is('wants-http-1.1')) return 'HTTP/1.0';
  if (hasInterim && is('stops-at-an-interim-answer')) return 'an interim answer';
  // §3.3: any other status than 200 is a failure.
  const good =
    status === 200 ||
    (is('takes-body-of-redirect') && status >= 300 && status < 400) ||
    (is('accepts-any-2xx') && status >= 200 && status < 300) ||
    (is('accepts-any-status') && status >= 200 && (status < 300 || status >= 400));
  if (!good) return `status ${status} instead of 200`;
  // §3.2: text/plain; parameters are ignored.
  const given = headers['content-type'];
  const mediaType = (given ?? 'none').replace(/;.*/, '').trim().toLowerCase();
  const isText =
    mediaType === 'text/plain' ||
    is('ignores-content-type') ||
    (mediaType.startsWith('text/') && is('takes-any-text')) ||
    (given === undefined && is('takes-no-content-type'));
  if (!isText) return `media type ${mediaType} instead of text/plain`;
  if (given?.includes(';') && is('refuses-media-type-parameters')) return 'parameters';
  if (!whole && !is('uses-truncated-body'))
    return `the body was cut short, or is longer than ${BODY_LIMIT_BYTES} bytes`;
  return undefined;
}

/** §3.2: UTF-8. What is no UTF-8 is no policy. */
function bodyOf({ body }: HttpAnswer, { is }: Setting): Fetched {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: !is('decodes-leniently'), ignoreBOM: true });
    const text = decoder.decode(body);
    // §3.2: a policy begins with its first key.
    return { ok: true, body: is('strips-byte-order-marks') ? text.replace(/^\uFEFF/, '') : text };
  } catch {
    return { ok: false, type: 'sts-policy-fetch-error', why: 'the body is no UTF-8' };
  }
}
