/**
 * DANE (RFC 7672): which TLSA records bind a delivery, and what they ask of the certificate.
 *
 *   MX secure? ── address secure? ── TLSA at the expanded name, then at the one in the MX record
 *     failed: the host is not used (§2.1.2) · none: as without DANE (§2.2)
 *     unusable only: TLS, whoever it is (§2.2) · usable: one of them must match (§3)
 */

import type { X509Certificate } from 'node:crypto';
import { createHash } from 'node:crypto';
import type tls from 'node:tls';
import { formatTlsa, type Tlsa } from '../../protocol/dane.ts';
import type { Dns, Secured } from './dns.ts';
import { literalOf } from './mail.ts';
import { identifies, pathProblem } from './network.ts';
import type { Failure } from './tlsrpt.ts';
import type { Is } from './traits.ts';

export interface Dane {
  /** Usable ones; empty: TLS is all that is asked for. */
  readonly records: readonly Tlsa[];
  /** All records of the set, as in a zone file. */
  readonly published: readonly string[];
  /** The TLSA base domain (§2.2.3), which is the SNI (§8.1). */
  readonly base: string;
  /** What a certificate under usage 2 may name (§3.2.2). */
  readonly names: readonly string[];
}

export type DaneAnswer =
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'bound'; readonly dane: Dane };

export interface DaneHost {
  readonly domain: string;
  readonly host: string;
  readonly port: number;
  readonly isMxSecure: boolean;
  readonly addresses: Extract<Secured<string>, { kind: 'records' }>;
}

const DANE_TA = 2;
const DANE_EE = 3;

/** §2.2: what DNS says of this host. */
export async function daneOf(
  { domain, host, port, isMxSecure, addresses }: DaneHost,
  dns: Dns,
  is: Is,
): Promise<DaneAnswer> {
  if (is('dane-never-asks')) return { kind: 'none' };
  // §2.2.1, §2.2.2: what leads to the host has to be secure.
  const isLiteral = literalOf(host) !== undefined && is('dane-for-address-literals');
  const isSecure = isMxSecure && (addresses.secure || isLiteral || is('dane-asks-insecure-hosts'));
  if (!isSecure && !is('dane-without-dnssec')) return { kind: 'none' };
  const expanded =
    addresses.target === host || is('dane-asks-the-alias-only') ? [] : [addresses.target];
  const original = is('dane-asks-the-target-only') && expanded.length > 0 ? [] : [host];
  for (const base of [...expanded, ...original]) {
    const asked = is('dane-asks-for-port-25') ? 25 : port;
    const name = `_${asked}._tcp.${base}`;
    const answer = await dns.tlsa(name);
    if (answer.kind === 'failure') {
      if (is('dane-passes-over-failed-lookups')) continue;
      if (base !== host && is('dane-passes-over-failed-target')) continue;
      const isLast = base === host && expanded.length > 0;
      if (isLast && is('dane-passes-over-failed-original')) continue;
      return { kind: 'failed', why: `the TLSA records of ${base}: ${answer.why}` };
    }
    if (answer.kind !== 'records') {
      if (is('dane-wants-tlsa-everywhere'))
        return { kind: 'failed', why: `${base} has no TLSA records` };
      continue;
    }
    if (!answer.secure && !is('dane-without-dnssec')) continue;
    if (answer.target !== name && is('dane-not-behind-tlsa-alias')) continue;
    const usable = (
      is('dane-takes-the-first-record') ? answer.records.slice(0, 1) : answer.records
    ).filter((record) => isUsable(record));
    if (usable.length === 0 && is('dane-takes-unusable-for-none')) continue;
    if (usable.length === 0 && is('dane-wants-usable-records'))
      return { kind: 'failed', why: `no TLSA record of ${base} is usable` };
    // §2.2: one usable record is enough for the server to have to match.
    const isWaived = usable.length < answer.records.length && is('dane-one-unusable-waives-all');
    const records = isWaived ? [] : strongest(usable, is);
    const published = answer.records.map(formatTlsa);
    const names = [base, ...(host === base ? [] : [host]), domain];
    return { kind: 'bound', dane: { records, published, base, names } };
  }
  return { kind: 'none' };
}

/** §2.2, §3.1.3. */
function isUsable({ usage, selector, matching, data }: Tlsa): boolean {
  const lengths = [undefined, 64, 128];
  return (
    (usage === DANE_TA || usage === DANE_EE) &&
    selector <= 1 &&
    matching <= 2 &&
    (matching === 0 || data.length === lengths[matching])
  );
}

/** §5, RFC 7671 §9: beside a stronger digest of the same kind a weaker one does not count. */
function strongest(records: readonly Tlsa[], is: Is): readonly Tlsa[] {
  if (is('dane-takes-weaker-digests')) return records;
  return records.filter(
    (one) =>
      one.matching !== 1 ||
      !records.some(
        ({ usage, selector, matching }) =>
          matching === 2 &&
          ((usage === one.usage && selector === one.selector) || is('dane-agility-across-usages')),
      ),
  );
}

/** §3: undefined when one of the records vouches for the server. */
export function daneProblem(
  socket: tls.TLSSocket,
  certificate: X509Certificate | undefined,
  dane: Dane,
  is: Is,
): Failure | undefined {
  const { records } = dane;
  if (records.length === 0 || is('dane-takes-any-certificate')) return undefined;
  if (is('dane-saved-by-web-pki') && !socket.authorizationError) return undefined;
  const chain = chainOf(certificate);
  const isMatched = records.some((record) =>
    record.usage === DANE_EE
      ? matchesLeaf(record, chain, dane, is)
      : matchesAnchor(record, chain, dane, pathProblem(socket), is),
  );
  return isMatched
    ? undefined
    : { type: 'tlsa-invalid', why: 'no TLSA record matches the certificate (RFC 7672 §3.2)' };
}

/** §3.1.1: the match is all; neither name nor date counts. */
function matchesLeaf(
  record: Tlsa,
  chain: readonly X509Certificate[],
  { base }: Dane,
  is: Is,
): boolean {
  const [leaf] = chain;
  if (is('dane-ee-anywhere-in-the-chain') && chain.some((one) => isOf(record, one))) return true;
  if (leaf === undefined || !isOf(record, leaf)) return false;
  if (is('dane-ee-wants-the-name') && !identifies(leaf, base)) return false;
  return !is('dane-ee-wants-the-dates') || isInDate(leaf);
}

/** What OpenSSL calls a path that breaks its own constraints, whoever is trusted (RFC 5280 §6.1.4). */
const BROKEN_PATHS: readonly string[] = ['PATH_LENGTH_EXCEEDED', 'INVALID_CA', 'UNSPECIFIED'];

/** §3.1.2, §3.2: a path up to the anchor, in date, and one of the names in it. */
function matchesAnchor(
  record: Tlsa,
  chain: readonly X509Certificate[],
  { base, names }: Dane,
  problem: string | undefined,
  is: Is,
): boolean {
  const [leaf] = chain;
  const anchor = chain.findIndex((certificate, place) => place > 0 && isOf(record, certificate));
  if (leaf === undefined || anchor === -1) return false;
  const isIssued = chain.slice(0, anchor).every((one, place) => {
    const issuer = chain[place + 1]!;
    const mayIssue = issuer.ca && one.checkIssued(issuer);
    const isSigned = one.verify(issuer.publicKey) || is('dane-ta-takes-forged-signatures');
    return (mayIssue || is('dane-ta-takes-any-issuer')) && isSigned;
  });
  const ignored = [
    ...(is('dane-ta-takes-any-issuer') ? ['INVALID_CA'] : []),
    ...(is('dane-ta-ignores-constraints') ? ['PATH_LENGTH_EXCEEDED', 'UNSPECIFIED'] : []),
  ];
  const isPath = BROKEN_PATHS.every((one) => one !== problem || ignored.includes(one));
  const areDatesRight =
    is('dane-ta-ignores-dates') || chain.slice(0, anchor).every((one) => isInDate(one));
  const wanted = is('dane-ta-wants-the-host-name') ? [base] : names;
  const matching = {
    commonName: true,
    partialWildcards: is('dane-ta-takes-partial-wildcards'),
  };
  const isNamed =
    is('dane-ta-ignores-names') ||
    (is('dane-ta-takes-any-common-name') && wanted.some((name) => leaf.subject?.includes(name))) ||
    wanted.some(
      (name) =>
        identifies(leaf, name, matching) &&
        !(is('dane-ta-wants-no-wildcard') && leaf.subjectAltName?.includes('*')),
    );
  return isIssued && isPath && areDatesRight && isNamed;
}

/** RFC 6698 §2.1.2, §2.1.3. */
function isOf({ selector, matching, data }: Tlsa, certificate: X509Certificate): boolean {
  const bytes =
    selector === 0
      ? certificate.raw
      : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const form =
    matching === 0
      ? bytes
      : createHash(matching === 1 ? 'sha256' : 'sha512')
          .update(bytes)
          .digest();
  return form.toString('hex') === data;
}

function isInDate({ validFrom, validTo }: X509Certificate): boolean {
  const now = Date.now();
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

/** What the server has sent, its own certificate first. */
function chainOf(certificate: X509Certificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = certificate;
  while (next && !chain.some((one) => one.fingerprint256 === next!.fingerprint256)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}
