import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contains,
  readAddress,
  readPrefix,
  showAddress,
  showPrefix,
  sizeOf,
  upperHalf,
} from '../../harness/protocol/ipv4.ts';

describe('an address', () => {
  const is = (text: string, number: number | undefined) =>
    it(text || '(empty)', () => expect(readAddress(text)).toBe(number));
  is('0.0.0.0', 0);
  is('10.9.128.0', 0x0a098000);
  is('255.255.255.255', 0xffffffff);
  is('', undefined);
  is('10.9.128', undefined);
  is('10.9.128.0.0', undefined);
  is('10.9.128.256', undefined);
  is('10.9.128.-1', undefined);
  is('10.9.128.00', undefined);
  is('010.9.128.0', undefined);
  is(' 10.9.128.0', undefined);
  is('10.9.128.1e1', undefined);
  is('::1', undefined);

  it('is shown as it was read', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffffffff }),
        (number) => readAddress(showAddress(number)) === number,
      ),
    );
  });
});

describe('a prefix', () => {
  const is = (text: string, first: string, size: number) =>
    it(text, () => {
      const prefix = readPrefix(text)!;
      expect({
        first: showAddress(prefix.first),
        size: sizeOf(prefix),
        text: showPrefix(prefix),
      }).toEqual({ first, size, text });
    });
  is('10.9.128.0/17', '10.9.128.0', 32_768);
  is('0.0.0.0/0', '0.0.0.0', 2 ** 32);
  is('128.0.0.0/1', '128.0.0.0', 2 ** 31);
  is('255.255.255.255/32', '255.255.255.255', 1);

  const isNone = (text: string) =>
    it(`${text} is none`, () => expect(readPrefix(text)).toBeUndefined());
  isNone('10.9.128.0');
  isNone('10.9.128.0/');
  isNone('10.9.128.0/33');
  isNone('10.9.128.0/017');
  isNone('10.9.128.0/16');
  isNone('10.9.300.0/17');
  isNone('2001:db8::/32');

  const holds = (prefix: string, address: string, expected: boolean) =>
    it(`${prefix} ${expected ? 'holds' : 'does not hold'} ${address}`, () =>
      expect(contains(readPrefix(prefix)!, readAddress(address)!)).toBe(expected));
  holds('10.9.128.0/17', '10.9.127.255', false);
  holds('10.9.128.0/17', '10.9.128.0', true);
  holds('10.9.128.0/17', '10.9.255.255', true);
  holds('10.9.128.0/17', '10.10.0.0', false);

  const half = (prefix: string, expected: string) =>
    it(`the upper half of ${prefix}`, () =>
      expect(showPrefix(upperHalf(readPrefix(prefix)!))).toBe(expected));
  half('172.18.0.0/16', '172.18.128.0/17');
  half('192.168.7.0/24', '192.168.7.128/25');
  half('0.0.0.0/0', '128.0.0.0/1');
});
