/** One of the failure-details of a report (RFC 8460 §4.3, §4.4). */

import { RESULT_TYPES } from '../protocol/tlsrpt-report.ts';
import { readIp } from './fields.ts';
import { type Findings, quote, show } from './finding.ts';
import { type Json, type JsonObject, pathOf } from './json.ts';
import { checkName, checkNames, countAt, isObject, optionalTextAt, textAt } from './members.ts';
import type { ReadFailure } from './report.ts';

const SECTION = 'RFC 8460 §4.4';
const NAMES = [
  'result-type',
  'sending-mta-ip',
  'receiving-mx-hostname',
  'receiving-mx-helo',
  'receiving-ip',
  'failed-session-count',
  'additional-information',
  'failure-reason-code',
] as const;

/** What the entry at this path tells; `policyType`: of the policy that it stands under. */
export function checkFailure(
  detail: Json,
  path: string,
  policyType: string | undefined,
  findings: Findings,
): ReadFailure {
  if (!isObject(detail)) {
    findings.add('must', path, SECTION, 'an object', show(detail));
    return {};
  }
  checkNames(detail, path, NAMES, findings);
  const type = textAt(detail, 'result-type', path, findings);
  if (type !== undefined) checkType(type, pathOf(path, 'result-type'), policyType, findings);
  const sessions = countAt(detail, 'failed-session-count', path, findings);
  if (sessions === 0)
    findings.add(
      'should',
      pathOf(path, 'failed-session-count'),
      SECTION,
      'a session at least',
      'none',
    );
  // §4.3.2.2: where the policy was not to be had, there was no session with an MX yet.
  const hadSession = type?.startsWith('sts-') !== true;
  const mx = expectedText(detail, 'receiving-mx-hostname', path, hadSession, findings);
  if (mx !== undefined)
    checkName(
      mx,
      pathOf(path, 'receiving-mx-hostname'),
      { uLabel: 'should', none: 'should' },
      findings,
    );
  optionalTextAt(detail, 'receiving-mx-helo', path, findings);
  return {
    type,
    sessions,
    mx,
    ip: checkIp(detail, 'receiving-ip', path, false, findings),
    from: checkIp(detail, 'sending-mta-ip', path, hadSession, findings),
    reason: checkReason(detail, path, type, findings),
    more: checkMore(detail, path, findings),
  };
}

/** Under which policies a type makes sense (§4.3.1, §4.3.2); others go with any. */
const UNDER: Readonly<Record<string, readonly string[]>> = {
  'tlsa-invalid': ['tlsa'],
  'dnssec-invalid': ['tlsa', 'no-policy-found'],
  'dane-required': ['tlsa', 'no-policy-found'],
  'sts-policy-fetch-error': ['sts', 'no-policy-found'],
  'sts-policy-invalid': ['sts', 'no-policy-found'],
  'sts-webpki-invalid': ['sts', 'no-policy-found'],
};

function checkType(
  type: string,
  path: string,
  policyType: string | undefined,
  findings: Findings,
): void {
  if (!RESULT_TYPES.some((known) => known === type))
    // §6.6: the registry is open.
    return void findings.add(
      'seen',
      path,
      'RFC 8460 §4.3, §6.6',
      `a registered type, of which RFC 8460 has ${RESULT_TYPES.join(', ')}`,
      quote(type),
    );
  const under = Object.hasOwn(UNDER, type) ? UNDER[type] : undefined;
  if (under !== undefined && policyType !== undefined && !under.includes(policyType))
    findings.add(
      'should',
      path,
      'RFC 8460 §4.3.2',
      `${type} under a policy of the type ${under.join(' or ')}`,
      `it under ${quote(policyType)}`,
    );
}

/** A member that the RFC does not call optional, and that is often missing. */
function expectedText(
  detail: JsonObject,
  name: string,
  path: string,
  isExpected: boolean,
  findings: Findings,
): string | undefined {
  const text = optionalTextAt(detail, name, path, findings);
  const value = detail[name];
  const isMissing = value === undefined || value === null || typeof value === 'string';
  if (isExpected && text === undefined && isMissing)
    findings.add('seen', pathOf(path, name), SECTION, 'a string that is not empty', show(value));
  return text;
}

function checkIp(
  detail: JsonObject,
  name: string,
  path: string,
  isExpected: boolean,
  findings: Findings,
): string | undefined {
  const text = expectedText(detail, name, path, isExpected, findings);
  if (text === undefined) return undefined;
  const read = readIp(text);
  if (read === undefined)
    findings.add('must', pathOf(path, name), SECTION, 'an IPv4 or IPv6 address', quote(text));
  else if (read === 'other')
    // The example of appendix B has leading zeros.
    findings.add(
      'seen',
      pathOf(path, name),
      'RFC 8460 §4.4, RFC 5952 §4',
      'the one spelling that an IPv6 address has',
      quote(text),
    );
  return text;
}

function checkReason(
  detail: JsonObject,
  path: string,
  type: string | undefined,
  findings: Findings,
): string | undefined {
  const reason = optionalTextAt(detail, 'failure-reason-code', path, findings);
  if (reason === undefined && (type === 'certificate-not-trusted' || type === 'validation-failure'))
    findings.add(
      'should',
      pathOf(path, 'failure-reason-code'),
      type === 'validation-failure' ? 'RFC 8460 §4.3.3' : 'RFC 8460 §4.3.1',
      `a code or text that says why, with ${type}`,
      show(detail['failure-reason-code']),
    );
  return reason;
}

function checkMore(detail: JsonObject, path: string, findings: Findings): string | undefined {
  const uri = optionalTextAt(detail, 'additional-information', path, findings);
  const isUri = uri === undefined || (URL.canParse(uri) && /^[\x21-\x7e]+$/.test(uri));
  if (!isUri)
    findings.add(
      'must',
      pathOf(path, 'additional-information'),
      'RFC 8460 §4.4, RFC 3986',
      'a URI',
      quote(uri),
    );
  return uri;
}
