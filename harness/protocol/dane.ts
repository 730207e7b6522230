/**
 * DANE for SMTP, as far as it needs no cryptography (RFC 7672, RFC 6698, RFC 7671): which TLSA
 * records count, and whether a chain of certificates satisfies one of them.
 */

import { lowerAscii } from './ascii.ts';

/** RFC 6698 §2.1, as in a zone file: numbers, and the association data in lower-case hex. */
export interface Tlsa {
  readonly usage: number;
  readonly selector: number;
  readonly matching: number;
  readonly data: string;
}

/** A certificate that a server has shown. */
export interface ShownCertificate {
  /** What a TLSA record of it would hold, in hex, by selector and matching type: `1 1`. */
  readonly associations: Readonly<Record<string, string>>;
  /** Its dNSNames; the common name where it has none (RFC 7672 §3.2.3). */
  readonly names: readonly string[];
  readonly inDate: boolean;
  /** The next one that was shown is a CA, and has signed it. */
  readonly isSignedByNext: boolean;
  /** By its own constraints, or an extension that nobody knows (RFC 5280 §4.2). */
  readonly forbidsChain?: boolean;
}

const DANE_TA = 2;
const DANE_EE = 3;
const DIGEST_HEX: Readonly<Record<number, number>> = { 1: 64, 2: 128 };

export function formatTlsa({ usage, selector, matching, data }: Tlsa): string {
  return `${usage} ${selector} ${matching} ${data}`;
}

/** The other way; the text is one of formatTlsa's. */
export function readTlsa(text: string): Tlsa {
  const [usage, selector, matching, data = ''] = text.split(' ');
  return { usage: Number(usage), selector: Number(selector), matching: Number(matching), data };
}

/**
 * RFC 7672 §2.2, §3.1.3: of usage 2 or 3, with parameters that are known, and data that can be what
 * they say.
 */
export function isUsable({ usage, selector, matching, data }: Tlsa): boolean {
  if (usage !== DANE_TA && usage !== DANE_EE) return false;
  if (selector > 1) return false;
  // A certificate and a key are SEQUENCEs (RFC 5280 §4.1).
  if (matching === 0) return /^30(81|82|83)/.test(data) || /^30[0-7]/.test(data);
  return data.length === DIGEST_HEX[matching];
}

/**
 * RFC 7672 §3.1, §3.2: one of the usable records matches the chain, the server's own certificate
 * first. Usage 3 asks for nothing but the match; usage 2 for a certification path, signed, in date and
 * within its own constraints, up to the certificate that matches, and one of the names in the first.
 */
export function isDaneAuthenticated(
  records: readonly Tlsa[],
  chain: readonly ShownCertificate[],
  names: readonly string[],
): boolean {
  const [leaf] = chain;
  return records.filter(isUsable).some((record) => {
    const isOf = ({ associations }: ShownCertificate) =>
      associations[`${record.selector} ${record.matching}`] === record.data;
    if (leaf === undefined) return false;
    if (record.usage === DANE_EE) return isOf(leaf);
    const anchor = chain.findIndex((certificate, place) => place > 0 && isOf(certificate));
    if (anchor === -1) return false;
    const below = chain.slice(0, anchor);
    return (
      below.every((one) => one.isSignedByNext && one.inDate && !one.forbidsChain) &&
      leaf.names.some((pattern) => names.some((name) => isNamedBy(name, pattern)))
    );
  });
}

/** RFC 7672 §3.2.3: without regard to letter case; `*` stands for the whole first label. */
function isNamedBy(name: string, pattern: string): boolean {
  const [host, wanted] = [name, pattern].map((one) => lowerAscii(one).replace(/\.$/, ''));
  if (!wanted!.startsWith('*.')) return host === wanted;
  return host!.includes('.') && host!.slice(host!.indexOf('.')) === wanted!.slice(1);
}
