import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lowerAscii, trimWspEnd, upperAscii } from '../../harness/protocol/ascii.ts';
import {
  isDomain,
  isSubdomainOf,
  labelsOf,
  NameError,
  normalizeName,
} from '../../harness/protocol/name.ts';
import { anyText } from './any-text.ts';

const label63 = 'a'.repeat(63);
const name253 = [label63, label63, label63, 'a'.repeat(61)].join('.');

test.each([
  ['MX1.Victim.Test', 'mx1.victim.test'],
  ['victim.test.', 'victim.test'],
  ['_MTA-STS.victim.test', '_mta-sts.victim.test'],
  ['*.victim.test', '*.victim.test'],
  ['.', '.'],
  ['192.0.2.1', '192.0.2.1'],
  ['büro.test', 'xn--bro-hoa.test'],
  ['BÜRO.test', 'xn--bro-hoa.test'],
  ['_ü.test', 'xn--_-eha.test'],
  ['XN--BRO-HOA.test', 'xn--bro-hoa.test'],
  ['é１', 'xn--1-9fa'],
  ['１２３', '123'],
  ['a b%41.test', 'a b%41.test'],
  [`${label63}.test`, `${label63}.test`],
  [name253, name253],
  [`${name253}.`, name253],
])('%s is spelled %s', (name, expected) => {
  expect(normalizeName(name)).toBe(expected);
  expect(normalizeName(expected)).toBe(expected);
});

test.each([
  ['', 'empty label'],
  ['..', 'empty label'],
  ['.test', 'empty label'],
  ['a..test', 'empty label'],
  ['a.test..', 'empty label'],
  [`${label63}a.test`, 'longer than 63'],
  [`${'ü'.repeat(63)}.test`, 'longer than 63'],
  [`${name253}a`, '254 characters'],
  ['ü%41.test', 'no U-label'],
  ['ü/path', 'no U-label'],
  ['user@ü', 'no U-label'],
  ['ü:25', 'no U-label'],
  ['ü\t.test', 'no U-label'],
  ['ü。b', 'no U-label'],
  ['xn--ü', 'no U-label'],
  ['\u00ad', 'no U-label'],
  ['\ud800.test', 'no U-label'],
])('%j cannot be a name: %s', (name, why) => {
  expect(() => normalizeName(name)).toThrow(NameError);
  expect(() => normalizeName(name)).toThrow(why);
});

test('labels are given leftmost first', () => {
  expect(labelsOf('MX1.victim.test.')).toEqual(['mx1', 'victim', 'test']);
  expect(labelsOf('.')).toEqual([]);
});

test.each([
  ['mx1.victim.test', 'victim.test', true],
  ['victim.test', 'victim.test', true],
  ['MX1.Victim.Test.', 'victim.test', true],
  ['victim.test', '.', true],
  ['notvictim.test', 'victim.test', false],
  ['victim.test', 'mx1.victim.test', false],
  ['victim.test.evil.test', 'victim.test', false],
])('%s within %s: %s', (name, parent, expected) => {
  expect(isSubdomainOf(name, parent)).toBe(expected);
});

describe('Domain (RFC 5321 §4.1.2)', () => {
  test.each(['d', 'mx1.victim.test', 'xn--bro-hoa.test', '1a.test', '4.test', label63, name253])(
    '%s is one',
    (text) => {
      expect(isDomain(text)).toBe(true);
    },
  );
  test.each([
    '',
    '.',
    'd.',
    '.d',
    'a..d',
    '-a.d',
    'a-.d',
    'a_b.d',
    '*.d',
    'a b',
    'büro.d',
    'd\n',
    '192.0.2.1',
    '[192.0.2.1]',
    `${label63}a`,
    `${name253}a`,
  ])('%j is none', (text) => {
    expect(isDomain(text)).toBe(false);
  });
});

test('a name is spelled once and for all, or refused with a NameError', () => {
  fc.assert(
    fc.property(
      fc.oneof(anyText, fc.domain(), fc.stringMatching(/^[üé。.%aA１-]{1,8}$/)),
      (name) => {
        const first = attempt(() => normalizeName(name));
        if (typeof first !== 'string') {
          expect(first).toBeInstanceOf(NameError);
          return;
        }
        expect(normalizeName(first)).toBe(first);
        expect(first).toMatch(/^(?:\.|[^A-Z\u0080-\uffff]*[^A-Z\u0080-\uffff.])$/);
      },
    ),
  );
});

test('case folding leaves alone what is not ASCII', () => {
  expect(lowerAscii('MX.\u212a\u0130Ü')).toBe('mx.\u212a\u0130Ü');
  expect(upperAscii('\u017ftarttlsßü')).toBe('\u017fTARTTLSßü');
});

test('blanks are trimmed in linear time', () => {
  const blanks = ' \t'.repeat(250_000);
  expect(trimWspEnd(`${blanks}x${blanks}`)).toBe(`${blanks}x`);
});

function attempt(work: () => string): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
