/** One policy of a report, and what became of the sessions under it (RFC 8460 §4.2 to §4.5). */

import { lowerAscii } from '../protocol/ascii.ts';
import { POLICY_TYPES } from '../protocol/tlsrpt-report.ts';
import { checkFailure } from './check-failure.ts';
import { type Findings, quote, show } from './finding.ts';
import { type Json, type JsonObject, pathOf } from './json.ts';
import {
  checkName,
  checkNames,
  countAt,
  type Item,
  isObject,
  itemsOf,
  objectAt,
  textAt,
} from './members.ts';
import type { ReadFailure, ReadPolicy } from './report.ts';

const SECTION = 'RFC 8460 §4.4';

/** What the entry at this path of `policies` tells. */
export function checkPolicy(entry: Json, path: string, findings: Findings): ReadPolicy {
  if (!isObject(entry)) {
    findings.add('must', path, SECTION, 'an object', show(entry));
    return { lines: [], mx: [], failures: [] };
  }
  checkNames(entry, path, ['policy', 'summary', 'failure-details'], findings);
  const policy = objectAt(entry, 'policy', path, findings);
  const type = policy && checkType(policy, pathOf(path, 'policy'), findings);
  const failures = checkFailures(entry, path, type, findings);
  const applied = policy && checkApplied(policy, pathOf(path, 'policy'), type, failures, findings);
  const totals = checkSummary(entry, path, findings);
  checkTotals(totals, failures, path, findings);
  return { type, lines: [], mx: [], ...applied, ...totals, failures };
}

type Applied = Pick<ReadPolicy, 'domain' | 'lines' | 'mx'>;

function checkType(policy: JsonObject, path: string, findings: Findings): string | undefined {
  const type = textAt(policy, 'policy-type', path, findings);
  if (type !== undefined && !POLICY_TYPES.some((known) => known === type))
    findings.add(
      'must',
      pathOf(path, 'policy-type'),
      SECTION,
      `one of ${POLICY_TYPES.join(', ')}`,
      show(policy['policy-type']),
    );
  return type;
}

function checkApplied(
  policy: JsonObject,
  path: string,
  type: string | undefined,
  failures: readonly ReadFailure[],
  findings: Findings,
): Applied {
  checkNames(policy, path, ['policy-type', 'policy-string', 'policy-domain', 'mx-host'], findings);
  // §4.3.2: of a policy, or of TLSA records, that could not be had, there is nothing to tell.
  const isHad = !failures.some(
    (failure) =>
      failure.type?.startsWith('sts-') ||
      (type === 'tlsa' && ['dnssec-invalid', 'dane-required'].includes(failure.type ?? '')),
  );
  const lines = checkLines(policy, path, type, isHad, findings);
  const mx = checkMx(policy, path, type, lines, findings);
  return { domain: checkDomain(policy, path, type, findings), lines, mx };
}

/** `policy-string` (§4.5). */
function checkLines(
  policy: JsonObject,
  path: string,
  type: string | undefined,
  isHad: boolean,
  findings: Findings,
): readonly string[] {
  const own = pathOf(path, 'policy-string');
  const value = policy['policy-string'];
  const isEmpty = value === undefined || value === null || (Array.isArray(value) && !value.length);
  if (isEmpty) {
    const expected =
      type === 'tlsa'
        ? 'the TLSA records, a string each'
        : 'the lines of the policy, a string each';
    if (type === 'sts' || type === 'tlsa')
      findings.add(
        isHad ? 'must' : 'seen',
        own,
        'RFC 8460 §4.5',
        expected,
        isHad ? show(value) : `${show(value)}, as of a policy that could not be had`,
      );
    return [];
  }
  const items = itemsOf(policy, 'policy-string', path, findings, {
    single: 'seen',
    section: 'RFC 8460 §4.5',
  })!;
  if (type === 'no-policy-found')
    findings.add('should', own, 'RFC 8460 §4.4', 'nothing, for no policy was found', show(value));
  const lines = textsOf(items, 'a string', 'RFC 8460 §4.5', findings);
  const isSingle = items.length === 1 && items[0]!.path === own;
  if (type === 'sts' && !isSingle) for (const line of lines) checkSts(line, findings);
  const split = lines.flatMap((line) => splitLine(line, isSingle ? /\r\n|\n|;/ : /\r\n|\n/));
  if (type === 'tlsa') for (const line of split) checkTlsa(line, findings);
  return split.map(({ text }) => text);
}

interface Line {
  readonly text: string;
  readonly path: string;
}

/** A policy that stands in one string has its lines apart, or semicolons between them. */
function splitLine({ text, path }: Line, ends: RegExp): Line[] {
  const lines = text.split(ends);
  if (lines.length === 1) return [{ text, path }];
  return lines.map((line) => ({ text: line.trim(), path })).filter((line) => line.text !== '');
}

/** RFC 6698 §2.2, without blanks or parentheses in a field. */
function checkTlsa({ text, path }: Line, findings: Findings): void {
  const [, hex, ...numbers] = /^(?=\d+ \d+ \d+ ([0-9a-f]+)$)(\d+) (\d+) (\d+) /i.exec(text) ?? [];
  const isRight =
    hex !== undefined && hex.length % 2 === 0 && numbers.every((number) => Number(number) < 256);
  if (!isRight)
    findings.add(
      'must',
      path,
      'RFC 8460 §4.5, RFC 6698 §2.2',
      'the four fields of a TLSA record, such as 3 1 1 0a1b…',
      quote(text),
    );
}

/** §4.5: a string is a line. What else is wrong in one may be the domain's own, and is told as it is. */
function checkSts({ text, path }: Line, findings: Findings): void {
  if (/[\r\n]/.test(text))
    findings.add('must', path, 'RFC 8460 §4.5', 'one line of the policy to a string', quote(text));
}

/** The value of an mx line of a policy; undefined for another. */
function mxOf(line: string): string | undefined {
  const colon = line.indexOf(':');
  return line.slice(0, colon).trim() === 'mx' ? line.slice(colon + 1).trim() : undefined;
}

/** `mx-host`: the patterns of the policy. */
function checkMx(
  policy: JsonObject,
  path: string,
  type: string | undefined,
  lines: readonly string[],
  findings: Findings,
): readonly string[] {
  const own = pathOf(path, 'mx-host');
  const value = policy['mx-host'];
  const isEmpty =
    value === undefined ||
    value === null ||
    value === '' ||
    (Array.isArray(value) && value.length === 0);
  const patterns = lines.flatMap((line) => mxOf(line) ?? []);
  if (isEmpty) {
    if (type === 'sts' && patterns.length > 0)
      findings.add('seen', own, SECTION, 'the mx patterns of the policy', show(value));
    return [];
  }
  const items = itemsOf(policy, 'mx-host', path, findings, {
    // The example of appendix B; erratum 6241 mends it.
    single: typeof value === 'string' ? 'seen' : 'must',
    section: 'RFC 8460 §4.4, erratum 6241',
  })!;
  const names = textsOf(items, 'a string', SECTION, findings);
  // What is no name at all may stand so in the policy of the domain.
  for (const { text, path } of names)
    checkName(text, path, { uLabel: 'must', none: 'should' }, findings, { pattern: true });
  const mx = names.map(({ text }) => text);
  const spell = (list: readonly string[]) =>
    [...new Set(list.map((name) => lowerAscii(name.replace(/\.$/, ''))))].sort().join(', ');
  if (type === 'sts' && patterns.length > 0 && spell(mx) !== spell(patterns))
    findings.add(
      'should',
      own,
      SECTION,
      `the mx patterns of policy-string: ${quote(patterns.join(', '))}`,
      quote(mx.join(', ')),
    );
  return mx;
}

function checkDomain(
  policy: JsonObject,
  path: string,
  type: string | undefined,
  findings: Findings,
): string | undefined {
  const own = pathOf(path, 'policy-domain');
  const value = policy['policy-domain'];
  if (type === 'no-policy-found' && (value === undefined || value === null || value === '')) {
    findings.add('seen', own, SECTION, 'the domain that has no policy', show(value));
    return undefined;
  }
  const domain = textAt(policy, 'policy-domain', path, findings);
  if (domain !== undefined) checkName(domain, own, { uLabel: 'must', none: 'must' }, findings);
  return domain;
}

function textsOf(
  items: readonly Item[],
  expected: string,
  section: string,
  findings: Findings,
): Line[] {
  return items.flatMap(({ value, path }) => {
    if (typeof value === 'string') return [{ text: value, path }];
    findings.add('must', path, section, expected, show(value));
    return [];
  });
}

function checkFailures(
  entry: JsonObject,
  path: string,
  type: string | undefined,
  findings: Findings,
): readonly ReadFailure[] {
  const value = entry['failure-details'];
  if (value === undefined || value === null) return [];
  const items = itemsOf(entry, 'failure-details', path, findings, { single: 'must' })!;
  return items.map(({ value, path }) => checkFailure(value, path, type, findings));
}

type Totals = Pick<ReadPolicy, 'succeeded' | 'failed'>;

function checkSummary(entry: JsonObject, path: string, findings: Findings): Totals {
  const summary = objectAt(entry, 'summary', path, findings);
  if (summary === undefined) return {};
  const own = pathOf(path, 'summary');
  const [good, bad] = ['total-successful-session-count', 'total-failure-session-count'] as const;
  checkNames(summary, own, [good, bad], findings);
  return {
    succeeded: countAt(summary, good, own, findings),
    failed: countAt(summary, bad, own, findings),
  };
}

/** §4: types may overlap, so that the details can come to more than the total, but not to less. */
function checkTotals(
  { failed }: Totals,
  failures: readonly ReadFailure[],
  path: string,
  findings: Findings,
): void {
  if (failed === undefined) return;
  const counts = failures.map(({ sessions }) => sessions);
  if (counts.some((count) => count === undefined)) return;
  const sum = counts.reduce<number>((total, count) => total + count!, 0);
  const own = `${path}.summary.total-failure-session-count`;
  const section = 'RFC 8460 §4.2.2';
  const most = counts.reduce<number>((least, count) => Math.max(least, count!), 0);
  if (failed > sum)
    findings.add(
      'should',
      own,
      section,
      failures.length === 0
        ? 'failure-details that explain the failures'
        : 'no more failures than failure-details explain',
      `${failed}, of which ${sum} are explained`,
    );
  else if (failed < most)
    findings.add(
      'should',
      own,
      section,
      'at least as many failures as each of the failure-details has',
      `${failed}, where one of them has ${most}`,
    );
}
