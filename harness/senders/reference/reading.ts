/**
 * What is read from records and policies, by the parsers of protocol/; the only thing added here
 * are faults in reading.
 */

import { domainToUnicode } from 'node:url';
import { isPermittedMx } from '../../protocol/mx-match.ts';
import { fail, ok, type Parsed } from '../../protocol/parsed.ts';
import { parseStsPolicy, type StsPolicy } from '../../protocol/sts-policy.ts';
import { selectStsRecord } from '../../protocol/sts-record.ts';
import type { Is } from './traits.ts';

/**
 * The id of the one MTA-STS record among the TXT records at a name, each given as its
 * character-strings (RFC 8461 §3.1).
 */
export function readStsId(records: readonly (readonly string[])[], is: Is): Parsed<string> {
  // §3.1: the strings of a record are joined with nothing in between.
  let texts = records.map((strings) => strings.join(is('no-txt-concatenation') ? ' ' : ''));
  if (is('reads-first-string-only')) texts = records.map(([first = '']) => first);
  if (is('txt-case-insensitive')) texts = texts.map((text) => text.replace(/^v=stsv1/i, 'v=STSv1'));
  if (is('takes-first-of-several-txt'))
    texts = texts.filter((text) => text.startsWith('v=STSv1;')).slice(0, 1);
  // §3.1: records that do not begin with "v=STSv1;" are discarded first; then there must be exactly
  // one.
  if (is('counts-unrelated-txt') && texts.length > 1)
    return refused('multiple-records', 'there are several TXT records');
  if (is('counts-later-versions') && texts.filter((text) => text.startsWith('v=STSv1')).length > 1)
    return refused('multiple-records', 'there are several records of some version');
  if (is('version-anywhere'))
    texts = texts.map((text) => text.replace(/^(.*;)\s*v=STSv1;?\s*$/, 'v=STSv1; $1'));
  if (is('passes-over-empty-fields')) texts = texts.map((text) => text.replace(/;(\s*;)+/g, ';'));
  if (is('last-id-wins')) texts = texts.map((text) => text.replace(/id=[^;]*;(?=.*id=)/g, ''));
  const [text = ''] = texts.filter((one) => one.startsWith('v=STSv1;'));
  if (is('splits-record-at-blanks-only') && /;\t/.test(text)) return refused('id-missing', 'no id');
  if (is('needs-last-semicolon') && !text.trimEnd().endsWith(';'))
    return refused('id-syntax', 'no semicolon at the end');
  if (is('rejects-record-extensions') && /;\s*(?!id=)[^;=\s]+=/.test(text))
    return refused('field-name', 'an unknown field');
  const record = selectStsRecord(texts);
  if (record.ok && is('wants-ids-of-digits') && /\D/.test(record.value.id))
    return refused('id-syntax', 'an id is a number');
  if (record.ok && record.value.id.length > 20 && is('wants-short-ids'))
    return refused('id-syntax', 'the id is too long');
  if (record.ok) return ok(record.value.id);
  if (is('accepts-invalid-id') && record.violation.rule.startsWith('id-'))
    return ok(/;\s*id=([^;]*)/.exec(texts.join())?.[1] ?? '');
  if (is('takes-long-ids') && record.violation.rule === 'id-syntax') {
    const id = /;\s*id=([A-Za-z0-9]+);?\s*$/.exec(text)?.[1];
    if (id !== undefined) return ok(id);
  }
  return record;
}

/** The policy in a body (RFC 8461 §3.2). */
export function readPolicy(body: string, is: Is): Parsed<StsPolicy> {
  // §3.2: lines end in CRLF or LF.
  if (is('rejects-lf') && /(?<!\r)\n/.test(body)) return refused('line-end', 'LF alone');
  if (is('needs-final-line-end') && !body.endsWith('\n')) return refused('line-end', 'no line end');
  let text = body;
  if (is('keeps-cr')) text = body.replaceAll('\r\n', '\r\r\n');
  // §3.2: of a repeated key the first counts.
  if (is('last-duplicate-key-wins')) text = body.trimEnd().split(/\r?\n/).reverse().join('\n');
  if (is('keys-without-case')) text = eachLine(text, (line) => lowerKey(line));
  if (is('keys-unanchored')) text = text.replace(/^[\w.-]+[.-](mode|mx|max_age):/gm, '$1:');
  if (is('keys-by-prefix')) text = text.replace(/^(mode|mx|max_age)[\w.-]+:/gm, '$1:');
  if (is('modes-without-case'))
    text = eachLine(text, (line) => (line.startsWith('mode:') ? line.toLowerCase() : line));
  if (is('version-without-case'))
    text = text.replace(/^version:(\s*)stsv1\s*$/im, 'version:$1STSv1');
  if (is('takes-later-versions')) text = text.replace(/^version:(\s*)STSv\d+/m, 'version:$1STSv1');
  if (is('version-may-be-missing') && !/^version:/m.test(text)) text = `version: STSv1\n${text}`;
  if (is('missing-mode-is-none') && !/^mode:/m.test(text)) text = `mode: none\n${text}`;
  if (is('unknown-mode-is-none'))
    text = text.replace(/^mode:(?!\s*(enforce|testing|none)\s*$).*$/m, 'mode: none');
  if (is('missing-max-age-is-a-day') && !/^max_age:/m.test(text)) text = `max_age: 86400\n${text}`;
  if (is('reads-max-age-loosely'))
    text = text.replace(
      /^max_age:.*$/m,
      (line) => `max_age: ${Math.abs(Number.parseInt(line.slice(8), 10)) || 86_400}`,
    );
  if (is('max-age-zero-is-a-week'))
    text = text.replace(/^max_age:[ \t]*0+(?=\s*$)/m, 'max_age: 604800');
  if (is('octal-max-age'))
    text = text.replace(
      /^(max_age:\s*)0([0-7]*)\d*/m,
      (_, key, digits) => `${key}${Number.parseInt(`0${digits}`, 8)}`,
    );
  if (is('mx-may-be-missing') && !/^mx:/m.test(text)) text = `${text.trimEnd()}\nmx: *.test\n`;
  if (is('one-mx-line-only'))
    text = text.replace(
      /^(mx:.*\n)((?:.*\n)*)/m,
      (_, first, rest) => first + String(rest).replace(/^mx:.*\n?/gm, ''),
    );
  if (is('last-mx-line-only')) text = text.replace(/^mx:.*\r?\n(?=(?:.*\n)*mx:)/gm, '');
  if (is('reads-ten-mx-lines')) {
    let left = 10;
    text = text
      .split('\n')
      .filter((line) => !line.startsWith('mx:') || left-- > 0)
      .join('\n');
  }
  if (is('splits-mx-at-commas'))
    text = eachLine(text, (line) =>
      line.startsWith('mx:')
        ? line
            .slice(3)
            .split(',')
            .map((mx) => `mx: ${mx.trim()}`)
            .join('\n')
        : line,
    );
  if (is('skips-bad-lines'))
    text = text
      .split(/\r?\n/)
      .filter((line) => /^(version|mode|mx|max_age): *[\w.*-]+\s*$/.test(line))
      .join('\n');
  if (is('needs-blank-after-colon') && /^\w+:\S/m.test(text)) return refused('syntax', 'no blank');
  if (is('keeps-trailing-blanks') && /[ \t]+\r?$/m.test(text)) return refused('syntax', 'blanks');
  if (is('wants-version-first') && !text.startsWith('version:')) return refused('order', 'version');
  const policy = is('reads-patterns-as-a-shell') ? parseWithGlobs(text) : parseStsPolicy(text);
  if (!policy.ok) return policy;
  const { extensions, maxAgeSeconds } = policy.value;
  // §3.2: unknown keys are ignored.
  if (is('rejects-unknown-keys') && extensions.length > 0) return refused('unknown-key', 'a key');
  // §3.2: any max_age up to a year is in order.
  if (is('wants-a-day-of-max-age') && maxAgeSeconds < 86_400)
    return refused('max-age', 'too short');
  if (is('wants-half-a-year-at-most') && maxAgeSeconds > 15_778_800)
    return refused('max-age', 'too long');
  return policy;
}

/** Fault: whatever stands in an mx line is a pattern. */
function parseWithGlobs(text: string): Parsed<StsPolicy> {
  const mx = [...text.matchAll(/^mx:[ \t]*(\S+)/gm)].map(([, pattern]) => pattern!);
  const rest = parseStsPolicy(text.replace(/^(mx:[ \t]*)\S+/gm, '$1mx.test'));
  return rest.ok ? ok({ ...rest.value, mx: rest.value.mx.length > 0 ? mx : [] }) : rest;
}

function eachLine(text: string, change: (line: string) => string): string {
  return text.split('\n').map(change).join('\n');
}

function lowerKey(line: string): string {
  const colon = line.indexOf(':');
  return line.slice(0, colon).toLowerCase() + line.slice(colon);
}

/** Whether the policy permits the MX, by the name in the MX record (RFC 8461 §4.1). */
export function permits(
  { mx: patterns }: Pick<StsPolicy, 'mx'>,
  host: string,
  is: Is = () => false,
): boolean {
  const name = host.toLowerCase();
  if (is('ignores-mx-list') || (patterns.length === 0 && is('restart-loses-mx'))) return true;
  if (is('wildcard-matches-deep') && wildcards(patterns).some((suffix) => name.endsWith(suffix)))
    return true;
  if (is('wildcard-matches-apex') && wildcards(patterns).some((suffix) => `.${name}` === suffix))
    return true;
  if (is('wildcard-never-matches'))
    return patterns.some((pattern) => pattern.toLowerCase() === name);
  if (is('matches-suffix'))
    return patterns.some((pattern) => name.endsWith(pattern.replace('*', '').toLowerCase()));
  if (is('matches-prefix'))
    return (
      patterns.some((pattern) => name.startsWith(pattern.toLowerCase())) ||
      isPermittedMx(patterns, host)
    );
  if (is('matches-part'))
    return patterns.some((pattern) => name.includes(pattern.replace('*.', '').toLowerCase()));
  if (is('mx-match-case-sensitive'))
    return patterns.some((pattern) => pattern === host || pattern === host.replace(/^[^.]+/, '*'));
  if (is('reads-patterns-as-a-shell'))
    return patterns.some((pattern) =>
      new RegExp(`^${pattern.replaceAll('.', '\\.').replace(/\*+/g, '.*')}$`, 'i').test(host),
    );
  if (is('compares-mx-in-unicode'))
    return patterns.some((pattern) => permits({ mx: [pattern] }, domainToUnicode(name)));
  if (is('takes-dots-in-patterns-for-any'))
    return patterns.some((pattern) =>
      new RegExp(`^${pattern.replace('*.', '[^.]+.')}$`, 'i').test(host),
    );
  return isPermittedMx(
    patterns.filter((pattern) => !isMisread(pattern, host, is)),
    host,
  );
}

/** Faults: a wildcard does not stand for this label. */
function isMisread(pattern: string, host: string, is: Is): boolean {
  if (!pattern.startsWith('*.')) return false;
  return (
    (is('wildcard-matches-with-case') && !host.endsWith(pattern.slice(1).toLowerCase())) ||
    (is('wildcard-matches-no-hyphen') && !/^\w+\./.test(host)) ||
    (is('wildcard-matches-no-a-label') && /^xn--/i.test(host))
  );
}

/** `*.d` → `.d` */
function wildcards(patterns: readonly string[]): readonly string[] {
  return patterns
    .filter((pattern) => pattern.startsWith('*.'))
    .map((pattern) => pattern.slice(1).toLowerCase());
}

function refused(rule: string, message: string): Parsed<never> {
  return fail({ rule, section: 'RFC 8461 §3', message });
}
