/** RFC 7672 §2.2, §3; RFC 6698 §2.1. */

import { describe, expect, test } from 'vitest';
import {
  formatTlsa,
  isDaneAuthenticated,
  isUsable,
  readTlsa,
  type ShownCertificate,
} from '../../harness/protocol/dane.ts';

const SHA256 = 'ab'.repeat(32);
const SHA512 = 'cd'.repeat(64);

test('records are read as they are written', () => {
  const record = { usage: 3, selector: 1, matching: 1, data: SHA256 };
  expect(formatTlsa(record)).toBe(`3 1 1 ${SHA256}`);
  expect(readTlsa(formatTlsa(record))).toEqual(record);
  expect(readTlsa('3 1 1 ')).toEqual({ ...record, data: '' });
});

describe('usable', () => {
  test.each([`3 1 1 ${SHA256}`, `2 0 2 ${SHA512}`, '3 0 0 3082010a', '3 1 0 3059301306'])(
    '%.20s',
    (text) => expect(isUsable(readTlsa(text))).toBe(true),
  );
  test.each([
    [`0 0 1 ${SHA256}`, 'PKIX-TA'],
    [`1 1 1 ${SHA256}`, 'PKIX-EE'],
    [`4 1 1 ${SHA256}`, 'an unknown usage'],
    [`3 2 1 ${SHA256}`, 'an unknown selector'],
    [`3 1 3 ${SHA256}`, 'an unknown matching type'],
    [`3 1 1 ${SHA256.slice(2)}`, 'a digest too short'],
    [`3 1 1 ${SHA256}00`, 'a digest too long'],
    [`3 1 2 ${SHA256}`, 'a digest of another length'],
    ['3 1 1 ', 'no digest'],
    ['3 1 0 ffff', 'no key'],
  ])('not %.20s: %s', (text) => expect(isUsable(readTlsa(text))).toBe(false));
});

describe('authenticated', () => {
  const leaf: ShownCertificate = {
    associations: { '1 1': SHA256 },
    names: ['*.victim.test'],
    inDate: true,
    isSignedByNext: true,
  };
  const authority: ShownCertificate = {
    associations: { '0 2': SHA512 },
    names: ['a CA'],
    inDate: true,
    isSignedByNext: false,
  };
  const is = (text: string, chain: readonly ShownCertificate[], ...names: string[]) =>
    isDaneAuthenticated([readTlsa(text)], chain, names);

  test('by usage 3, whatever name and date', () => {
    expect(is(`3 1 1 ${SHA256}`, [{ ...leaf, inDate: false }], 'other.test')).toBe(true);
    expect(is(`3 1 1 ${'00'.repeat(32)}`, [leaf], 'mx1.victim.test')).toBe(false);
    expect(is(`3 0 2 ${SHA512}`, [leaf, authority], 'mx1.victim.test')).toBe(false);
    expect(is(`3 1 1 ${SHA256}`, [], 'mx1.victim.test')).toBe(false);
  });

  test('by usage 2, with a chain in order and a name', () => {
    const ta = `2 0 2 ${SHA512}`;
    expect(is(ta, [leaf, authority], 'mx1.victim.test')).toBe(true);
    expect(is(ta, [leaf, authority], 'MX1.Victim.Test.')).toBe(true);
    expect(is(ta, [leaf, authority], 'other.test', 'mx1.victim.test')).toBe(true);
    expect(is(ta, [leaf, authority], 'a.mx1.victim.test', 'victim.test')).toBe(false);
    expect(is(ta, [leaf], 'mx1.victim.test')).toBe(false);
    expect(is(ta, [{ ...leaf, inDate: false }, authority], 'mx1.victim.test')).toBe(false);
    expect(is(ta, [{ ...leaf, isSignedByNext: false }, authority], 'mx1.victim.test')).toBe(false);
    expect(is(ta, [{ ...leaf, forbidsChain: true }, authority], 'mx1.victim.test')).toBe(false);
    expect(is(ta, [leaf, { ...authority, forbidsChain: true }], 'mx1.victim.test')).toBe(true);
    const partial = { ...leaf, names: ['m*.victim.test'] };
    expect(is(ta, [partial, authority], 'mx1.victim.test')).toBe(false);
    expect(is(`2 1 1 ${SHA256}`, [leaf, authority], 'mx1.victim.test')).toBe(false);
  });

  test('by one of several, and by none that is not usable', () => {
    const good = readTlsa(`3 1 1 ${SHA256}`);
    const bad = readTlsa(`3 1 1 ${'00'.repeat(32)}`);
    expect(isDaneAuthenticated([bad, good], [leaf], [])).toBe(true);
    expect(isDaneAuthenticated([{ ...good, usage: 1 }], [leaf], [])).toBe(false);
    expect(isDaneAuthenticated([], [leaf], [])).toBe(false);
  });
});
