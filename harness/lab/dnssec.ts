/**
 * The keys and signatures of the lab's zones (RFC 4033 to 4035): the root, `test`, and every zone
 * that a plan has signed, delegated from `test` with a DS record. All have one key, made for this
 * lab, that signs keys and data. What does not exist is proved by spans that hold just the name
 * (RFC 4470), made when they are asked for.
 */

import { createHash, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { DnssecFault } from '../model/plan.ts';
import {
  dnskeyRdata,
  dsDigestInput,
  dsRdata,
  ECDSAP256SHA256,
  keyTag,
  type RrSet,
  rrsigHead,
  signedData,
} from '../protocol/dnssec.ts';

export interface DnsKeys {
  /** The key of the root, as a record in a zone file: what a validator starts from. */
  readonly anchor: string;
  /** DNSKEY, as RDATA; the same for every zone. */
  readonly dnskey: Uint8Array;
  /** DS, as RDATA. */
  ds(zone: string, fault?: DnssecFault): Uint8Array;
  /** RRSIG, as RDATA. */
  sign(set: RrSet, zone: string, fault?: DnssecFault): Promise<Uint8Array>;
}

const DAY_SECONDS = 86_400;
const VALID_DAYS = 30;
/** No algorithm has this number. */
const UNKNOWN_ALGORITHM = 100;
const MOST_SIGNATURES = 5_000;

export async function createDnsKeys(now: number): Promise<DnsKeys> {
  const [key, other] = await Promise.all([createKey(), createKey()]);
  const today = Math.floor(now / 1000);
  const signatures = new Map<string, Promise<Uint8Array>>();
  return {
    anchor: `. 3600 IN DNSKEY 257 3 ${ECDSAP256SHA256} ${Buffer.from(key.dnskey.subarray(4)).toString('base64')}\n`,
    dnskey: key.dnskey,
    ds(zone, fault) {
      const { dnskey } = fault === 'other-key' ? other : key;
      const algorithm = fault === 'unknown-algorithm' ? UNKNOWN_ALGORITHM : ECDSAP256SHA256;
      const digest = createHash('sha256').update(dsDigestInput(zone, dnskey)).digest();
      return dsRdata(keyTag(dnskey), algorithm, digest);
    },
    sign(set, zone, fault) {
      const head = rrsigHead(set, {
        algorithm: fault === 'unknown-algorithm' ? UNKNOWN_ALGORITHM : ECDSAP256SHA256,
        keyTag: key.tag,
        signer: zone,
        ...validity(today, fault),
      });
      const data = signedData(set, head);
      const id = `${fault} ${Buffer.from(data).toString('latin1')}`;
      const signature =
        signatures.get(id) ??
        signBytes('sha256', data, {
          key: (fault === 'other-key' ? other : key).privateKey,
          dsaEncoding: 'ieee-p1363',
        });
      if (signatures.size >= MOST_SIGNATURES) signatures.clear();
      signatures.set(id, signature);
      return signature.then((bytes) => Buffer.concat([head, bytes]));
    },
  };
}

interface Key {
  readonly privateKey: KeyObject;
  readonly dnskey: Uint8Array;
  readonly tag: number;
}

const signBytes = promisify(sign);

/** RFC 6605 §4: the key is x and y of its point. */
async function createKey(): Promise<Key> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const dnskey = dnskeyRdata(Buffer.concat([x, y].map((part) => Buffer.from(part, 'base64url'))));
  return { privateKey, dnskey, tag: keyTag(dnskey) };
}

/** Seconds since 1970. */
function validity(today: number, fault?: DnssecFault) {
  const [from, to] =
    fault === 'expired' ? [-2, -1] : fault === 'not-yet-valid' ? [1, 2] : [-1, VALID_DAYS];
  return { inception: today + from * DAY_SECONDS, expiration: today + to * DAY_SECONDS };
}
