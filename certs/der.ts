/**
 * The few DER types a certificate is made of (X.690), as forge ASN.1 nodes. Bytes are forge's
 * binary strings: one character, one byte.
 */

import forge from 'node-forge';

const { asn1 } = forge;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
const { Type } = asn1;

export type Node = forge.asn1.Asn1;

export const sequence = (...items: Node[]): Node =>
  asn1.create(UNIVERSAL, Type.SEQUENCE, true, items);
export const set = (...items: Node[]): Node => asn1.create(UNIVERSAL, Type.SET, true, items);
/** `[tag]`, constructed. */
export const tagged = (tag: number, ...items: Node[]): Node =>
  asn1.create(CONTEXT_SPECIFIC, tag, true, items);
/** `[tag] IMPLICIT`, primitive. */
export const implicit = (tag: number, bytes: string): Node =>
  asn1.create(CONTEXT_SPECIFIC, tag, false, bytes);
export const oid = (dotted: string): Node =>
  asn1.create(UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes());
export const isTrue = (): Node => asn1.create(UNIVERSAL, Type.BOOLEAN, false, '\xff');
export const integer = (bytes: string): Node => asn1.create(UNIVERSAL, Type.INTEGER, false, bytes);
export const octetString = (bytes: string): Node =>
  asn1.create(UNIVERSAL, Type.OCTETSTRING, false, bytes);
export const bitString = (bytes: string, unusedBits = 0): Node =>
  asn1.create(UNIVERSAL, Type.BITSTRING, false, String.fromCharCode(unusedBits) + bytes);
export const utf8String = (text: string): Node =>
  asn1.create(UNIVERSAL, Type.UTF8, false, forge.util.encodeUtf8(text));

/** RFC 5280 §4.1.2.5: UTCTime to the end of 2049, GeneralizedTime from then on. */
export const time = (date: Date): Node =>
  date.getUTCFullYear() < 2050
    ? asn1.create(UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));

export const encode = (node: Node): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
export const decode = (der: Buffer): Node => asn1.fromDer(der.toString('latin1'));
