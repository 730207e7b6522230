/**
 * The TLSRPT report (RFC 8460 §4): what a sender tells a Policy Domain of the day's TLS sessions.
 * Member names are the RFC's.
 *
 * The check is thin: it asks for what is needed to judge which failure, how often, under which kind
 * of policy and at which MX.
 */

import { fail, ok, type Parsed, type Violation } from './parsed.ts';

export interface TlsReport {
  readonly 'organization-name': string;
  /** RFC 3339. */
  readonly 'date-range': { readonly 'start-datetime': string; readonly 'end-datetime': string };
  readonly 'contact-info': string;
  readonly 'report-id': string;
  /** At least one. */
  readonly policies: readonly ReportedPolicy[];
}

export interface ReportedPolicy {
  readonly policy: {
    readonly 'policy-type': PolicyType;
    /**
     * The policy's lines, or the TLSA records. Absent where no policy was found or could be
     * fetched.
     */
    readonly 'policy-string'?: readonly string[];
    readonly 'policy-domain'?: string;
    /** An array; as one string it follows the RFC's own example, which erratum 6241 mends. */
    readonly 'mx-host'?: readonly string[] | string;
  };
  readonly summary: {
    readonly 'total-successful-session-count': number;
    readonly 'total-failure-session-count': number;
  };
  readonly 'failure-details'?: readonly FailureDetails[];
}

export interface FailureDetails {
  /** One of RESULT_TYPES, or one registered since: the registry is open (RFC 8460 §6.6). */
  readonly 'result-type': string;
  readonly 'sending-mta-ip'?: string;
  readonly 'receiving-mx-hostname'?: string;
  readonly 'receiving-mx-helo'?: string;
  readonly 'receiving-ip'?: string;
  /** At least 1. */
  readonly 'failed-session-count': number;
  readonly 'additional-information'?: string;
  readonly 'failure-reason-code'?: string;
}

/** RFC 8460 §4.4. */
export const POLICY_TYPES = ['tlsa', 'sts', 'no-policy-found'] as const;
export type PolicyType = (typeof POLICY_TYPES)[number];

/** RFC 8460 §4.3. */
export const RESULT_TYPES = [
  'starttls-not-supported',
  'certificate-host-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'validation-failure',
  'tlsa-invalid',
  'dnssec-invalid',
  'dane-required',
  'sts-policy-fetch-error',
  'sts-policy-invalid',
  'sts-webpki-invalid',
] as const;
export type ResultType = (typeof RESULT_TYPES)[number];

/**
 * Checks a parsed JSON text and gives it back typed, members of no concern included. The first
 * thing wrong is the violation; its message begins with the member's path. Rules: `member-type`
 * (missing, or of the wrong type), `date-range`, `policies-empty`, `policy-type`.
 */
export function parseTlsReport(json: unknown): Parsed<TlsReport> {
  for (const violation of violationsOf(json)) return fail(violation);
  return ok(json as TlsReport);
}

/**
 * Only the first violation is ever asked for, so what follows one may rely on it not being there.
 */
function* violationsOf(report: unknown): Generator<Violation> {
  if (!isObject(report)) return yield wrong('the report', 'an object', '§4');
  for (const name of ['organization-name', 'contact-info', 'report-id']) {
    if (!isText(report[name])) yield wrong(name, 'a non-empty string', '§4.4');
  }
  const range = report['date-range'];
  if (!isObject(range)) return yield wrong('date-range', 'an object', '§4.4');
  for (const name of ['start-datetime', 'end-datetime']) {
    if (!isDateTime(range[name]))
      yield violation(
        'date-range',
        `date-range.${name}`,
        'must be an RFC 3339 date and time',
        '§4.4',
      );
  }
  // §4: always an array, even for one policy.
  if (!Array.isArray(report.policies)) return yield wrong('policies', 'an array', '§4');
  if (report.policies.length === 0)
    yield violation('policies-empty', 'policies', 'must have at least one element', '§4');
  for (const [index, policy] of report.policies.entries())
    yield* policyViolations(policy, `policies[${index}]`);
}

function* policyViolations(entry: unknown, path: string): Generator<Violation> {
  if (!isObject(entry)) return yield wrong(path, 'an object', '§4.4');
  const { policy, summary } = entry;
  const details = entry['failure-details'] ?? [];
  if (!isObject(policy)) return yield wrong(`${path}.policy`, 'an object', '§4.4');
  if (!isObject(summary)) return yield wrong(`${path}.summary`, 'an object', '§4.4');
  for (const name of ['total-successful-session-count', 'total-failure-session-count']) {
    if (!isCount(summary[name], 0))
      yield wrong(`${path}.summary.${name}`, 'a whole number', '§4.4');
  }
  if (!Array.isArray(details)) return yield wrong(`${path}.failure-details`, 'an array', '§4.4');
  for (const [index, detail] of details.entries())
    yield* detailViolations(detail, `${path}.failure-details[${index}]`);
  yield* appliedViolations(policy, `${path}.policy`, details);
}

/** The policy that was applied. Its text is asked for only where the sender can have had one. */
function* appliedViolations(
  policy: Members,
  path: string,
  details: readonly FailureDetails[],
): Generator<Violation> {
  const type = policy['policy-type'];
  if (!POLICY_TYPES.some((known) => known === type)) {
    yield violation(
      'policy-type',
      `${path}.policy-type`,
      `must be one of ${POLICY_TYPES.join(', ')}`,
      '§4.4',
    );
  }
  const domain = policy['policy-domain'];
  if (!isText(domain) && !(domain === undefined && type === 'no-policy-found'))
    yield wrong(`${path}.policy-domain`, 'a string', '§4.4');
  // §4.3.2.2: for these failures there was no usable policy, and large senders leave out what would
  // describe it.
  const unusable = details.some((detail) => detail['result-type'].startsWith('sts-'));
  const optional = type === 'no-policy-found' || unusable;
  const lines = policy['policy-string'];
  if (!isTexts(lines) && !(lines === undefined && optional))
    yield wrong(`${path}.policy-string`, 'an array of strings', '§4.4');
  const hosts = policy['mx-host'];
  const hostless = optional || type === 'tlsa';
  // Erratum 6241: the RFC's example has a string where the text wants an array; take both.
  if (!isTexts(hosts) && !isText(hosts) && !(hosts === undefined && hostless))
    yield wrong(`${path}.mx-host`, 'an array of strings', '§4.4');
}

function* detailViolations(detail: unknown, path: string): Generator<Violation> {
  if (!isObject(detail)) return yield wrong(path, 'an object', '§4.4');
  if (!isText(detail['result-type']))
    yield wrong(`${path}.result-type`, 'a non-empty string', '§4.3');
  if (!isCount(detail['failed-session-count'], 1))
    yield wrong(`${path}.failed-session-count`, 'a whole number from 1', '§4.4');
  const host = detail['receiving-mx-hostname'];
  if (host !== undefined && typeof host !== 'string')
    yield wrong(`${path}.receiving-mx-hostname`, 'a string', '§4.4');
}

type Members = Readonly<Record<string, unknown>>;

function wrong(path: string, type: string, section: string): Violation {
  return violation('member-type', path, `must be ${type}`, section);
}

function violation(rule: string, path: string, message: string, section: string): Violation {
  return { rule, section: `RFC 8460 ${section}`, message: `${path} ${message}` };
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

/** RFC 3339 §5.6. */
function isDateTime(value: unknown): boolean {
  return typeof value === 'string' && DATE_TIME.test(value) && !Number.isNaN(Date.parse(value));
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;
