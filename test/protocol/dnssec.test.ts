import { createHash, createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalName,
  dnskeyRdata,
  dsDigestInput,
  dsRdata,
  firstBelow,
  keyTag,
  nsecRdata,
  rrsigHead,
  signedData,
  spanAround,
} from '../../harness/protocol/dnssec.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const seconds = (iso: string) => Date.parse(iso) / 1000;

describe('the example of RFC 6605 §6.1', () => {
  const publicKey = Buffer.from(
    'GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    'base64',
  );
  const dnskey = dnskeyRdata(publicKey);

  test('its key has the tag 55648', () => {
    expect(keyTag(dnskey)).toBe(55648);
  });

  test('and the DS record', () => {
    const digest = createHash('sha256').update(dsDigestInput('example.net', dnskey)).digest();
    expect(hex(dsRdata(55648, 13, digest))).toBe(
      'd9600d02b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17',
    );
  });

  test('its signature is of what is signed here', () => {
    const set = {
      name: 'WWW.example.net',
      type: 1,
      ttl: 3600,
      rdata: [Buffer.from([192, 0, 2, 1])],
    };
    const head = rrsigHead(set, {
      algorithm: 13,
      keyTag: 55648,
      signer: 'example.net',
      inception: seconds('2010-08-12T10:04:39Z'),
      expiration: seconds('2010-09-09T10:04:39Z'),
    });
    const signature = Buffer.from(
      'qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
      'base64',
    );
    const [x, y] = [publicKey.subarray(0, 32), publicKey.subarray(32)].map((part) =>
      part.toString('base64url'),
    );
    const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y } as never, format: 'jwk' });
    const isSigned = (data: Uint8Array) =>
      verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
    expect(isSigned(signedData(set, head))).toBe(true);
    expect(isSigned(signedData({ ...set, ttl: 3601 }, head))).toBe(false);
  });
});

test('the NSEC record of RFC 4034 §4.3', () => {
  const A_MX_RRSIG_NSEC_1234 = [1, 15, 46, 47, 1234];
  expect(hex(nsecRdata('host.example.com', A_MX_RRSIG_NSEC_1234))).toBe(
    `04686f7374076578616d706c6503636f6d00${'0006400100000003'}${'041b'}${'00'.repeat(26)}20`,
  );
});

test('records are signed in the order of their octets, and each once (RFC 4034 §6.3)', () => {
  const data = (...rdata: number[][]) =>
    hex(
      signedData(
        { name: '', type: 1, ttl: 0, rdata: rdata.map((one) => Uint8Array.from(one)) },
        new Uint8Array(),
      ),
    );
  expect(data([2, 1], [1, 9], [1], [2, 1])).toBe(data([1], [1, 9], [2, 1]));
  expect(data([1], [1, 9])).not.toBe(data([1, 9]));
});

test('a wildcard is no label of an RRSIG (RFC 4034 §3.1.3)', () => {
  const terms = { algorithm: 13, keyTag: 1, signer: 'test', inception: 0, expiration: 0 };
  const labels = (name: string) => rrsigHead({ name, type: 1, ttl: 0, rdata: [] }, terms)[3];
  expect([labels(''), labels('test'), labels('a.test'), labels('*.a.test')]).toEqual([0, 1, 2, 2]);
});

describe('names in the order of RFC 4034 §6.1', () => {
  test('the order is that of the RFC', () => {
    const ordered = [
      'example',
      'a.example',
      'yljkjljk.a.example',
      'Z.a.example',
      'zABC.a.EXAMPLE',
      'z.example',
      '\x01.z.example',
      '*.z.example',
      '\xc8.z.example',
    ];
    expect(ordered.toReversed().sort(order)).toEqual(ordered);
  });

  const label = fc.string({ minLength: 1, maxLength: 63, unit: fc.constantFrom(...'az09-_') });
  const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));

  test('a span holds its name and what is below it, and neither its parent nor a neighbour', () => {
    fc.assert(
      fc.property(name, label, (owner, other) => {
        const { from, to } = spanAround(owner);
        const isInside = (one: string) => order(from, one) < 0 && order(one, to) < 0;
        const parent = owner.split('.').slice(1).join('.');
        const neighbour = [other, parent].filter(Boolean).join('.');
        expect([owner, `${other}.${owner}`].map(isInside)).toEqual([true, true]);
        expect(isInside(parent)).toBe(false);
        if (neighbour !== owner) expect(isInside(neighbour)).toBe(false);
      }),
    );
  });

  test('a span holds its name whatever its octets are', () => {
    const octets = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    const unit = fc.constantFrom(...octets.filter((octet) => !/[.A-Z]/.test(octet)));
    const owners = fc.oneof(
      fc.string({ minLength: 1, maxLength: 63, unit }),
      fc.tuple(fc.string({ minLength: 62, maxLength: 62, unit }), unit).map((all) => all.join('')),
      fc.constantFrom('[', 'a[', `${'a'.repeat(62)}@`, `${'a'.repeat(61)}@\xff`, '\0', '\xff'),
    );
    fc.assert(
      fc.property(owners, (owner) => {
        const { from, to } = spanAround(`${owner}.a`);
        expect(order(from, `${owner}.a`)).toBeLessThan(0);
        expect(order(`z.${owner}.a`, to)).toBeLessThan(0);
      }),
    );
  });

  test('nothing is between a name and the first below it', () => {
    fc.assert(
      fc.property(name, label, (owner, other) => {
        expect(order(owner, firstBelow(owner))).toBeLessThan(0);
        expect(order(firstBelow(owner), `${other}.${owner}`)).toBeLessThan(0);
      }),
    );
  });

  /** RFC 4034 §6.1: label by label from the right, as octets. */
  function order(a: string, b: string): number {
    const [left, right] = [a, b].map((one) => labelsOf(one).toReversed());
    for (const [at, part] of left!.entries()) {
      if (right![at] === undefined) return 1;
      const by = Buffer.compare(part, right![at]);
      if (by !== 0) return by;
    }
    return left!.length - right!.length;
  }

  function labelsOf(one: string): Buffer[] {
    const wire = Buffer.from(canonicalName(one));
    const labels: Buffer[] = [];
    for (let at = 0; wire[at]! > 0; at += wire[at]! + 1)
      labels.push(wire.subarray(at + 1, at + 1 + wire[at]!));
    return labels;
  }
});
