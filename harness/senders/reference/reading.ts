/**
 * What is read from records and policies, by the parsers of protocol/; the only thing added here
 * are faults in reading.
 */

import { isPermittedMx } from '../../protocol/mx-match.ts';
import { fail, ok, type Result } from '../../protocol/result.ts';
import { parseStsPolicy, type StsPolicy } from '../../protocol/sts-policy.ts';
import { selectStsRecord } from '../../protocol/sts-record.ts';
import type { FaultName } from './faults.ts';

/**
 * The id of the one MTA-STS record among the TXT records at a name, each given as its
 * character-strings (RFC 8461 §3.1).
 */
export function readStsId(
  records: readonly (readonly string[])[],
  fault?: FaultName,
): Result<string> {
  // §3.1: the strings of a record are joined with nothing in between.
  let texts = records.map((strings) => strings.join(fault === 'no-txt-concatenation' ? ' ' : ''));
  if (fault === 'txt-case-insensitive')
    texts = texts.map((text) => text.replace(/^v=stsv1/i, 'v=STSv1'));
  if (fault === 'takes-first-of-several-txt')
    texts = texts.filter((text) => text.startsWith('v=STSv1;')).slice(0, 1);
  // §3.1: records that do not begin with "v=STSv1;" are discarded first; then there must be exactly
  // one.
  if (fault === 'counts-unrelated-txt' && texts.length > 1)
    return refused('multiple-records', 'there are several TXT records');
  const record = selectStsRecord(texts);
  if (record.ok) return ok(record.value.id);
  if (fault === 'accepts-invalid-id' && record.problem.rule.startsWith('id-'))
    return ok(/;\s*id=([^;]*)/.exec(texts.join())?.[1] ?? '');
  return record;
}

/** The policy in a body (RFC 8461 §3.2). */
export function readPolicy(body: string, fault?: FaultName): Result<StsPolicy> {
  // §3.2: lines end in CRLF or LF.
  if (fault === 'rejects-lf' && /(?<!\r)\n/.test(body))
    return refused('line-end', 'a line ends in LF alone');
  let text = body;
  if (fault === 'keeps-cr') text = body.replaceAll('\r\n', '\r\r\n');
  // §3.2: of a repeated key the first counts.
  if (fault === 'last-duplicate-key-wins')
    text = body.trimEnd().split(/\r?\n/).reverse().join('\n');
  const policy = parseStsPolicy(text);
  // §3.2: unknown keys are ignored.
  if (fault === 'rejects-unknown-keys' && policy.ok && policy.value.extensions.length > 0)
    return refused('unknown-key', 'an unknown key');
  return policy;
}

/** Whether the policy permits the MX, by the name in the MX record (RFC 8461 §4.1). */
export function permits(
  { mx: patterns }: Pick<StsPolicy, 'mx'>,
  host: string,
  fault?: FaultName,
): boolean {
  if (fault === 'ignores-mx-list') return true;
  if (
    fault === 'wildcard-matches-deep' &&
    wildcards(patterns).some((suffix) => host.toLowerCase().endsWith(suffix))
  )
    return true;
  if (
    fault === 'wildcard-matches-apex' &&
    wildcards(patterns).some((suffix) => `.${host.toLowerCase()}` === suffix)
  )
    return true;
  if (fault === 'wildcard-never-matches')
    return patterns.some((pattern) => pattern.toLowerCase() === host.toLowerCase());
  if (fault === 'matches-suffix')
    return patterns.some((pattern) =>
      host.toLowerCase().endsWith(pattern.replace('*', '').toLowerCase()),
    );
  if (fault === 'mx-match-case-sensitive')
    return patterns.some((pattern) => pattern === host || pattern === host.replace(/^[^.]+/, '*'));
  return isPermittedMx(patterns, host);
}

/** `*.d` → `.d` */
function wildcards(patterns: readonly string[]): readonly string[] {
  return patterns
    .filter((pattern) => pattern.startsWith('*.'))
    .map((pattern) => pattern.slice(1).toLowerCase());
}

function refused(rule: string, message: string): Result<never> {
  return fail({ rule, section: 'RFC 8461 §3', message });
}
