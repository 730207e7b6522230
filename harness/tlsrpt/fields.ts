/** The texts in a report: dates, addresses, names. Pure readers; none throws. */

import { isIP, SocketAddress } from 'node:net';
import { isDomain } from '../protocol/name.ts';

/**
 * `strict`: as RFC 3339 §5.6 has it; `no-offset`: without one, and read as UTC; `loose`: to be
 * understood, but otherwise written.
 */
export interface ReadDate {
  readonly ms: number;
  readonly form: 'strict' | 'no-offset' | 'loose';
}

/** A date and time, as milliseconds since 1970; undefined: none that can be understood. */
export function readDate(value: unknown): ReadDate | undefined {
  if (typeof value === 'number') {
    // Seconds since 1970; milliseconds would be of the year 5000 and later.
    const ms = value < 1e11 ? value * 1000 : value;
    return Number.isInteger(value) && value > 0 && ms < LAST_MS ? { ms, form: 'loose' } : undefined;
  }
  if (typeof value !== 'string') return undefined;
  const [, day, clock = '00:00:00', fraction = '', offset] = DATE.exec(value) ?? [];
  if (day === undefined || !isDay(day)) return undefined;
  // RFC 3339 §5.7: a leap second.
  const seconds = clock.replace(/:60$/, ':59');
  const zone = offset?.toUpperCase().replace(/^([+-]\d\d)(\d\d)$/, '$1:$2') ?? 'Z';
  const ms = Date.parse(`${day}T${seconds}${fraction.slice(0, 4)}${zone}`);
  if (Number.isNaN(ms)) return undefined;
  if (STRICT.test(value)) return { ms, form: 'strict' };
  return { ms, form: STRICT.test(`${value}Z`) ? 'no-offset' : 'loose' };
}

/** Whether the calendar has the day: Date.parse takes the 30th of February. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(\.\d{1,20})? ?([Zz]|[+-]\d\d:?\d\d)?)?$/;
/** RFC 3339 §5.6. */
const STRICT =
  /^\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
/** The year 9999. */
const LAST_MS = 253_402_300_800_000;
const DAY_MS = 86_400_000;

/**
 * RFC 8460 §4.1: from 00:00 to 24:00 UTC; the end is written as the next midnight or as any moment of the
 * last second (RFC 3339 §5.6 has fractions).
 */
export function isUtcDay(from: number, to: number): boolean {
  const length = to - from;
  return from % DAY_MS === 0 && length >= DAY_MS - 1000 && length <= DAY_MS;
}

/** `2026-11-25`, or `2026-11-25 03:00 to 2026-11-26 02:59`, all of it UTC. */
export function showRange(from: number, to: number): string {
  if (isUtcDay(from, to)) return showTime(from).slice(0, 10);
  return `${showTime(from)} to ${showTime(to)}`;
}

function showTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

/** The domain of an addr-spec (RFC 5322 §3.4.1, with the Domain of RFC 5321); undefined: it is none. */
export function mailDomain(text: string): string | undefined {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  const domain = text.slice(at + 1);
  const isLocal = at > 0 && at <= 64 && (DOT_ATOM.test(local) || QUOTED.test(local));
  return isLocal && isDomain(domain) ? domain : undefined;
}

/** RFC 5322 §3.2.3, with UTF-8 as RFC 6532 has it. */
const DOT_ATOM =
  /^[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+)*$/;
const QUOTED = /^"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"$/;

/** `canonical`: as RFC 5952 has it, or IPv4. */
export function readIp(text: string): 'canonical' | 'other' | undefined {
  const family = isIP(text);
  if (family === 4) return 'canonical';
  // A zone is of no meaning to another machine.
  if (family === 0 || text.includes('%')) return undefined;
  const shortest = new SocketAddress({ address: text, family: 'ipv6' }).address;
  return shortest === text ? 'canonical' : 'other';
}

/** Whether it is a name of a host, or a pattern of RFC 8461 §4.1; U-labels and trailing dots are told apart. */
export function readName(
  text: string,
  { pattern = false } = {},
): 'name' | 'u-label' | 'dot' | 'none' {
  const name = pattern && text.startsWith('*.') ? text.slice(2) : text;
  if (isDomain(name)) return 'name';
  if (name.endsWith('.') && isDomain(name.slice(0, -1))) return 'dot';
  return /^[\p{L}\p{N}\p{M}.-]+$/u.test(name) && /[^\x00-\x7f]/.test(name) ? 'u-label' : 'none';
}
