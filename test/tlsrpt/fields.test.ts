/** Dates, addresses and names as reports write them. */

import { describe, expect, it } from 'vitest';
import {
  isUtcDay,
  mailDomain,
  readDate,
  readIp,
  readName,
  showRange,
} from '../../harness/tlsrpt/fields.ts';

describe('dates', () => {
  const day = Date.UTC(2016, 3, 1);

  it.each([
    ['2016-04-01T00:00:00Z', 'strict'],
    ['2016-04-01t00:00:00z', 'strict'],
    ['2016-04-01T00:00:00.0000001Z', 'strict'],
    ['2016-04-01T02:00:00+02:00', 'strict'],
    ['2016-04-01T00:00:00', 'no-offset'],
    ['2016-04-01T00:00:00.0', 'no-offset'],
    ['2016-03-31T24:00:00Z', 'loose'],
    ['2016-04-01 00:00:00Z', 'loose'],
    ['2016-04-01T00:00:00 Z', 'loose'],
    ['2016-04-01T00:00:00+0000', 'loose'],
    ['2016-04-01', 'loose'],
    [1459468800, 'loose'],
    [1459468800000, 'loose'],
  ])('%j is %s', (value, form) => {
    expect(readDate(value)).toEqual({ ms: day, form });
  });

  it('a leap second is one', () => {
    expect(readDate('2016-12-31T23:59:60Z')?.form).toBe('strict');
  });

  it.each([
    '2016-02-30T00:00:00Z',
    '2016-13-01T00:00:00Z',
    '2016-04-01T00:61:00Z',
    'Fri, 1 Apr 2016',
    '',
    null,
    -1,
    1.5,
    Number.POSITIVE_INFINITY,
  ])('%j is none', (value) => {
    expect(readDate(value)).toBeUndefined();
  });

  it('a day is one in UTC only', () => {
    expect(isUtcDay(day, day + 86_400_000)).toBe(true);
    expect(isUtcDay(day, day + 86_399_000)).toBe(true);
    expect(isUtcDay(day, day + 86_399_999)).toBe(true);
    expect(isUtcDay(day, day + 86_398_999)).toBe(false);
    expect(isUtcDay(day + 3_600_000, day + 90_000_000)).toBe(false);
    expect(showRange(day, day + 86_399_000)).toBe('2016-04-01');
    expect(showRange(day, day + 3_600_000)).toBe('2016-04-01 00:00 to 2016-04-01 01:00');
  });
});

describe('addresses and names', () => {
  it.each([
    ['a@b.example', 'b.example'],
    ['a.b+c=d@b.example', 'b.example'],
    ['"a b"@b.example', 'b.example'],
    ['mailto:a@b.example', undefined],
    ['A <a@b.example>', undefined],
    ['a..b@b.example', undefined],
    ['@b.example', undefined],
    ['a@', undefined],
    ['a@[192.0.2.1]', undefined],
    ['https://b.example/', undefined],
  ])('the domain of %j', (text, domain) => {
    expect(mailDomain(text)).toBe(domain);
  });

  it.each([
    ['192.0.2.1', 'canonical'],
    ['2001:db8::1', 'canonical'],
    ['::ffff:192.0.2.1', 'canonical'],
    ['2001:DB8::1', 'other'],
    ['2001:db8:0:0:0:0:0:1', 'other'],
    ['2001:db8::01', 'other'],
    ['[2001:db8::1]', undefined],
    ['fe80::1%eth0', undefined],
    ['192.0.2.01', undefined],
    ['192.0.2.1:25', undefined],
    ['mx.example', undefined],
  ])('the address %j', (text, read) => {
    expect(readIp(text)).toBe(read);
  });

  it.each([
    ['mx.example', 'name'],
    ['xn--mller-kva.example', 'name'],
    ['mx.example.', 'dot'],
    ['müller.example', 'u-label'],
    ['*.mx.example', 'none'],
    ['192.0.2.1', 'none'],
    ['mx example', 'none'],
    ['', 'none'],
  ])('the name %j', (text, read) => {
    expect(readName(text)).toBe(read);
  });

  it('patterns', () => {
    expect(readName('*.mx.example', { pattern: true })).toBe('name');
    expect(readName('*.*.example', { pattern: true })).toBe('none');
  });
});
