/**
 * What the name server of a plan answers, as far as the plan alone tells: the lab's server answers
 * by it, and so is told which questions an attack has changed. Pure.
 */

import type { DnsPlan, DnsRecord, DnsRule } from './plan.ts';

const LONGEST_CNAME_CHAIN = 8;

/** The first rule for a question; `which`: which of the questions for that name and type it is. */
export function ruleFor(
  { rules }: DnsPlan,
  name: string,
  type: string,
  which?: number,
): DnsRule | undefined {
  return rules.find(
    (rule) =>
      sameName(rule.name, name) &&
      (rule.type === '*' || rule.type === type) &&
      (which === undefined || (rule.nth?.includes(which) ?? true)),
  );
}

/** RFC 1034 §4.3.2: the records of the name, through CNAMEs, and the name where they end. */
export function lookUp(
  records: readonly DnsRecord[],
  name: string,
  type: string,
  stopAtCname = false,
): { readonly found: readonly DnsRecord[]; readonly end: string } {
  const found: DnsRecord[] = [];
  let at = name;
  for (let hop = 0; hop < LONGEST_CNAME_CHAIN; hop++) {
    const here = records.filter((record) => sameName(record.name, at));
    const wanted = here.filter((record) => record.type === type);
    found.push(...wanted);
    const alias = here.find((record) => record.type === 'CNAME');
    if (wanted.length > 0 || alias?.type !== 'CNAME') break;
    found.push(alias);
    if (stopAtCname) break;
    at = alias.target;
  }
  return { found, end: at };
}

/** Whether a name, or one below it, is in the zones. */
export function exists(records: readonly DnsRecord[], name: string): boolean {
  return records.some((record) => sameName(record.name, name) || isBelow(record.name, name));
}

/** `failure`: no answer, or an error, or not the whole of it. */
export type ZoneAnswer =
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'failure' };

/** What a client that asks as often as it has to gets to know in the end. */
export function answerTo(plan: DnsPlan, name: string, type: string): ZoneAnswer {
  const rule = ruleFor(plan, name, type);
  switch (rule?.answer ?? 'honest') {
    case 'servfail':
    case 'refused':
    case 'drop':
      return { kind: 'failure' };
    case 'nxdomain':
    case 'nodata':
      return { kind: 'none' };
  }
  const { found } = lookUp(rule?.records ?? plan.records, name, type);
  const records = found.filter((record) => record.type === type);
  return records.length > 0 ? { kind: 'records', records } : { kind: 'none' };
}

function sameName(a: string, b: string): boolean {
  return plain(a) === plain(b);
}

/** In lower case, without a dot at the end (RFC 1035 §2.3.3). */
function plain(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

function isBelow(name: string, parent: string): boolean {
  return plain(name).endsWith(`.${plain(parent)}`);
}

/** Hosts of the plan at the addresses of a name. */
export function addressesOf(dns: DnsPlan, name: string): string[] {
  const answer = answerTo(dns, name, 'A');
  const records = answer.kind === 'records' ? answer.records : [];
  return records.flatMap((record) => (record.type === 'A' ? [record.host] : []));
}
