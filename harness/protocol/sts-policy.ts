/**
 * The MTA-STS policy (RFC 8461 §3.2): the file at https://mta-sts.<Policy
 * Domain>/.well-known/mta-sts.txt.
 *
 * Strict to the ABNF. Where the RFC leaves a point undecided a remark says what is done here; other
 * senders may do otherwise.
 */

import { skipWsp, trimWspEnd } from './ascii.ts';
import { type Extensions, FIELD_NAME_MESSAGE, isFieldName } from './fields.ts';
import { isMxPattern } from './mx-match.ts';
import { fail, ok, type Parsed, type Violation } from './parsed.ts';

export const STS_MODES = ['enforce', 'testing', 'none'] as const;
export type StsMode = (typeof STS_MODES)[number];

export interface StsPolicy {
  readonly version: 'STSv1';
  readonly mode: StsMode;
  /** Lifetime in a cache, from the last fetch. */
  readonly maxAgeSeconds: number;
  /** In order, as written; empty only in mode none. */
  readonly mx: readonly string[];
  readonly extensions: Extensions;
}

/** RFC 8461 §3.2: about a year. */
export const MAX_AGE_LIMIT_SECONDS = 31_557_600;

/**
 * Reads a policy body, already decoded from UTF-8 (a byte-order mark kept). Rules, with line and
 * column: `blank-line`, `field-syntax`, `field-name`, `version`, `mode`, `max-age`,
 * `max-age-bound`, `mx-pattern`, `extension-value`; of the whole file: `version-missing`,
 * `mode-missing`, `max-age-missing`, `mx-missing`.
 */
export function parseStsPolicy(body: string): Parsed<StsPolicy> {
  const fields = new Map<string, string>();
  const mx: string[] = [];
  for (const [index, text] of linesOf(body).entries()) {
    const field = parseLine(text);
    if (!field.ok) return fail({ ...field.violation, line: index + 1 });
    const { name, value, column } = field.value;
    // §3.2: of any field but mx all occurrences after the first are ignored, whatever their value.
    if (fields.has(name) && name !== 'mx') continue;
    const violation = valueViolation(name, value);
    if (violation)
      return fail({
        section: SECTION,
        ...violation,
        line: index + 1,
        column: column + (violation.column ?? 0),
      });
    if (name === 'mx') mx.push(value);
    fields.set(name, value);
  }
  return assemble(fields, mx);
}

/**
 * The same, read as leniently as careful readers read: what the RFC does not say what to do about is
 * passed over. That is a byte order mark, blank lines and lines without a colon, an mx that is no
 * pattern, and a max_age beyond the limit.
 */
export function parseStsPolicyLeniently(body: string): Parsed<StsPolicy> {
  const lines = body
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line) => {
      const parsed = parseLine(line);
      if (!parsed.ok) return PASSED_OVER.includes(parsed.violation.rule) ? [] : [line];
      const { name, value } = parsed.value;
      const rule = valueViolation(name, value)?.rule;
      if (rule === 'mx-pattern') return [];
      return rule === 'max-age-bound' ? [`max_age: ${MAX_AGE_LIMIT_SECONDS}`] : [line];
    });
  return parseStsPolicy(lines.join('\n'));
}
const PASSED_OVER: readonly string[] = ['blank-line', 'field-syntax'];

/** The policy file, every line ended by `eol`. The values are written as they are, not checked. */
export function formatStsPolicy(
  policy: Pick<StsPolicy, 'mode' | 'maxAgeSeconds' | 'mx'> & Partial<StsPolicy>,
  { eol = '\r\n' }: { readonly eol?: '\r\n' | '\n' } = {},
): string {
  const fields: Extensions = [
    ['version', policy.version ?? 'STSv1'],
    ['mode', policy.mode],
    ...policy.mx.map((pattern) => ['mx', pattern] as const),
    ['max_age', String(policy.maxAgeSeconds)],
    ...(policy.extensions ?? []),
  ];
  return fields.map(([name, value]) => `${name}: ${value}${eol}`).join('');
}

const SECTION = 'RFC 8461 §3.2';

/**
 * sts-policy-term = LF / CRLF (erratum 6253 mends the prose, which says CRLF only). A CR anywhere
 * else stays, and is a bad character.
 */
function linesOf(body: string): readonly string[] {
  const lines = body.split('\n');
  const last = lines.pop()!;
  const terminated = lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  // The terminator of the last line is optional. Undecided: blank lines, one at the end included,
  // are outside the grammar yet common in the wild; here they break the file.
  return last === '' && terminated.length > 0 ? terminated : [...terminated, last];
}

/** name ":" *WSP value *WSP. No WSP may stand before the colon. */
function parseLine(
  text: string,
): Parsed<{ readonly name: string; readonly value: string; readonly column: number }> {
  if (skipWsp(text) === text.length)
    return fail({
      rule: 'blank-line',
      section: SECTION,
      message: 'a policy has no blank lines',
      column: 1,
    });
  const colon = text.indexOf(':');
  if (colon === -1)
    return fail({
      rule: 'field-syntax',
      section: SECTION,
      message: 'each line is "name: value"',
      column: 1,
    });
  const name = text.slice(0, colon);
  if (!isFieldName(name))
    return fail({ rule: 'field-name', section: SECTION, message: FIELD_NAME_MESSAGE, column: 1 });
  const start = skipWsp(text, colon + 1);
  return ok({ name, value: trimWspEnd(text.slice(start)), column: start + 1 });
}

/**
 * What is wrong with a value; its column counts from 0 within the value. Names and values are
 * case-sensitive (%s in the ABNF).
 */
function valueViolation(
  name: string,
  value: string,
): Pick<Violation, 'rule' | 'message' | 'column'> | undefined {
  switch (name) {
    case 'version':
      return value === 'STSv1' ? undefined : { rule: 'version', message: 'the version is "STSv1"' };
    case 'mode':
      return isMode(value)
        ? undefined
        : { rule: 'mode', message: `the mode is one of ${STS_MODES.join(', ')}` };
    case 'max_age':
      if (!/^[0-9]{1,10}$/.test(value))
        return { rule: 'max-age', message: 'max_age is 1 to 10 digits: seconds' };
      // Undecided: ten digits fit the grammar, and what to do above the limit is not said (erratum
      // 7282); we reject, others cap. Zero is let in.
      if (Number(value) > MAX_AGE_LIMIT_SECONDS)
        return {
          rule: 'max-age-bound',
          message: `max_age is at most ${MAX_AGE_LIMIT_SECONDS} seconds`,
        };
      return undefined;
    case 'mx':
      // A-labels only, one pattern to a line. Undecided: one bad pattern among good ones breaks the
      // file, as the grammar has it.
      return isMxPattern(value)
        ? undefined
        : { rule: 'mx-pattern', message: 'an mx is one domain name, or "*." and a domain name' };
    default: {
      // vchar [*(SP / vchar) vchar], vchar with UTF-8: no controls, no TAB inside, and nothing that
      // UTF-8 cannot carry.
      const bad = value === '' ? 0 : value.search(/[\x00-\x1f\x7f\p{Surrogate}]/u);
      return bad === -1
        ? undefined
        : {
            rule: 'extension-value',
            message: 'a value is text without control characters',
            column: bad,
          };
    }
  }
}

function assemble(fields: ReadonlyMap<string, string>, mx: readonly string[]): Parsed<StsPolicy> {
  for (const name of ['version', 'mode', 'max_age']) {
    if (!fields.has(name)) return missing(name);
  }
  const mode = fields.get('mode') as StsMode;
  // §3.2: mx is required at least once, except when the mode is none.
  if (mx.length === 0 && mode !== 'none') return missing('mx');
  const extensions = [...fields].filter(([name]) => !DEFINED.includes(name));
  return ok({
    version: 'STSv1',
    mode,
    maxAgeSeconds: Number(fields.get('max_age')),
    mx,
    extensions,
  });
}

const DEFINED: readonly string[] = ['version', 'mode', 'max_age', 'mx'];

function missing(name: string): Parsed<never> {
  return fail({
    rule: `${name.replace('_', '-')}-missing`,
    section: SECTION,
    message: `the policy has no "${name}" line`,
  });
}

function isMode(value: string): value is StsMode {
  return (STS_MODES as readonly string[]).includes(value);
}
