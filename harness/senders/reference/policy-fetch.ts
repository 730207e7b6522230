/**
 * The policy fetch (RFC 8461 §3.3): an HTTPS GET of https://mta-sts.<Policy
 * Domain>/.well-known/mta-sts.txt.
 *
 * Only a whole text/plain body under status 200, from a host whose certificate names it, is a
 * policy.
 */

import type tls from 'node:tls';
import { within } from '../../concurrency/wait.ts';
import { POLICY_PATH } from '../../model/plan.ts';
import { exchange, type HttpAnswer } from './http.ts';
import { throughHttpCache } from './http-cache-fault.ts';
import { messageOf } from './mail.ts';
import { handshake, identifies, pathProblem } from './network.ts';
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

/** A function that fetches the policy body of a domain. It never rejects. */
export function createPolicyFetcher(setting: Setting): (domain: string) => Promise<Fetched> {
  const { fault, timeouts } = setting;
  const ask: Get = (url, headers, signal) => get(setting, url, headers, signal);
  // §3.3: HTTP caching plays no part.
  const askOrRecall = fault === 'http-cache' ? throughHttpCache(ask) : ask;

  async function fetchFrom(url: URL): Promise<Fetched> {
    try {
      // §3.3: a time-out for the whole GET, so that nobody can hold up delivery byte by byte.
      const answer = await within(timeouts.policyFetchMs, 'the policy fetch', (signal) =>
        askOrRecall(url, {}, signal),
      );
      const why = problemOf(answer, setting);
      return why === undefined
        ? { ok: true, body: answer.body }
        : { ok: false, type: 'sts-policy-fetch-error', why };
    } catch (error) {
      // §3.3: only over authenticated HTTPS.
      if (fault === 'fetches-plain-http' && url.protocol === 'https:')
        return fetchFrom(new URL(url.href.replace('https:', 'http:')));
      const type =
        error instanceof PolicyHostCertificateError
          ? 'sts-webpki-invalid'
          : 'sts-policy-fetch-error';
      return { ok: false, type, why: messageOf(error) };
    }
  }

  // §3.2: a fixed path at a fixed host, on the port of https.
  return (domain) => fetchFrom(new URL(`https://mta-sts.${domain}${POLICY_PATH}`));
}

class PolicyHostCertificateError extends Error {}

async function get(
  setting: Setting,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { dns, network, fault } = setting;
  const found = await dns.addresses(url.hostname);
  if (found.kind !== 'records')
    throw new Error(`${url.hostname}: ${found.kind === 'failure' ? found.why : 'no address'}`);
  const socket = await network.connect(
    found.records[0]!,
    url.protocol === 'https:' ? 443 : 80,
    signal,
  );
  // §7.1: SNI with the name of the policy host.
  const servername = fault === 'no-sni-to-policy-host' ? undefined : url.hostname;
  const secured =
    url.protocol === 'https:'
      ? await handshake(socket, { trust: setting.trust.policyHosts, servername }, signal)
      : socket;
  if (secured !== socket) authenticate(secured as tls.TLSSocket, url.hostname, setting);
  const answer = await exchange(secured, { method: 'GET', url, headers }, BODY_LIMIT_BYTES, signal);
  // §3.3: redirects are not followed.
  const target =
    fault === 'follows-redirects' && answer.status >= 300 && answer.status < 400
      ? answer.headers.location
      : undefined;
  return target === undefined ? answer : get(setting, new URL(target, url), headers, signal);
}

/**
 * §3.3: the certificate's path leads to a trusted root, and a DNS-ID names the policy host; the
 * common name does not count.
 */
function authenticate(socket: tls.TLSSocket, host: string, { fault }: Setting): void {
  if (fault === 'accepts-any-policy-host-certificate') return;
  const invalid = pathProblem(socket);
  const named = identifies(socket.getPeerX509Certificate(), host, {
    commonName: fault === 'policy-host-cn-fallback',
  });
  if (invalid === undefined && named) return;
  socket.destroy();
  throw new PolicyHostCertificateError(
    `${host}: ${invalid ?? 'the certificate does not name it'} (RFC 8461 §3.3)`,
  );
}

/** Why the answer is no policy. */
function problemOf({ status, headers, whole }: HttpAnswer, { fault }: Setting): string | undefined {
  // §3.3: any other status than 200 is a failure.
  const good = status === 200 || (fault === 'accepts-any-2xx' && status >= 200 && status < 300);
  if (!good) return `status ${status} instead of 200`;
  // §3.2: text/plain; parameters are ignored.
  const mediaType = (headers['content-type'] ?? 'none').replace(/;.*/, '').trim().toLowerCase();
  if (mediaType !== 'text/plain' && fault !== 'ignores-content-type')
    return `media type ${mediaType} instead of text/plain`;
  if (!whole && fault !== 'uses-truncated-body')
    return `the body was cut short, or is longer than ${BODY_LIMIT_BYTES} bytes`;
  return undefined;
}
