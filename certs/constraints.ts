/**
 * What a certificate in a chain forbids, whoever is trusted: RFC 5280 §4.2.1.9 (how many may stand
 * below it), §4.2.1.10 (whom they may name), and §4.2 (a critical extension that nobody knows).
 */

import type { X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { decode, type Node } from './der.ts';

/** A chain with the server's own certificate first is allowed by the one at this place. */
export function isAllowedBy(
  chain: readonly X509Certificate[],
  place: number,
  dnsNames: readonly string[],
): boolean {
  const extensions = extensionsOf(chain[place]!);
  if (extensions.some(({ id, isCritical }) => isCritical && !KNOWN.includes(id))) return false;
  const valueIn = (id: string) => extensions.find((one) => one.id === id)?.value;
  const length = pathLength(valueIn(BASIC_CONSTRAINTS));
  // The server's own does not count.
  if (length !== undefined && place - 1 > length) return false;
  const permitted = permittedDnsNames(valueIn(NAME_CONSTRAINTS));
  return (
    place === 0 ||
    permitted.length === 0 ||
    dnsNames.every((name) => permitted.some((parent) => isWithin(name, parent)))
  );
}

const BASIC_CONSTRAINTS = '2.5.29.19';
const NAME_CONSTRAINTS = '2.5.29.30';
/** Those of RFC 5280 §4.2.1 that may be critical, and that TLS libraries go by. */
const KNOWN: readonly string[] = [
  '2.5.29.15',
  '2.5.29.17',
  BASIC_CONSTRAINTS,
  NAME_CONSTRAINTS,
  '2.5.29.36',
  '2.5.29.37',
];

interface Extension {
  readonly id: string;
  readonly isCritical: boolean;
  readonly value: Node;
}

function extensionsOf(certificate: X509Certificate): Extension[] {
  const [content] = within(decode(certificate.raw));
  const list = within(content).find(
    ({ tagClass, type }) => tagClass === forge.asn1.Class.CONTEXT_SPECIFIC && Number(type) === 3,
  );
  return within(within(list)[0]).map((extension) => {
    const [id, ...rest] = within(extension);
    const value = rest.at(-1)!.value as string;
    return {
      id: forge.asn1.derToOid(id!.value as string),
      isCritical: rest.length === 2 && rest[0]!.value !== '\0',
      value: decode(Buffer.from(value, 'latin1')),
    };
  });
}

function pathLength(constraints: Node | undefined): number | undefined {
  const length = within(constraints).find(({ type }) => type === forge.asn1.Type.INTEGER);
  return length && Buffer.from(length.value as string, 'latin1').readUInt8();
}

/** In the permittedSubtrees. */
function permittedDnsNames(constraints: Node | undefined): string[] {
  const permitted = within(constraints).find(({ type }) => Number(type) === 0);
  return within(permitted)
    .map((subtree) => within(subtree)[0]!)
    .filter(({ type }) => Number(type) === 2)
    .map(({ value }) => value as string);
}

const isWithin = (name: string, parent: string): boolean =>
  `.${name.toLowerCase()}`.endsWith(`.${parent.toLowerCase()}`);

const within = (node: Node | undefined): Node[] => (Array.isArray(node?.value) ? node.value : []);
