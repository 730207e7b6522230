/**
 * RFC 8460 §3, §4, §5.2, §5.4: a report came as the RFC has it, and what it says is a report.
 */

import { z } from 'zod';
import { isBinding, REQUIREMENTS } from '../model/requirements.ts';
import { type Seen, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { counted } from '../protocol/printable.ts';
import { checkReport } from '../tlsrpt/check.ts';
import { type Finding, type Findings, LEVELS, openFindings, quote } from '../tlsrpt/finding.ts';
import type { Json } from '../tlsrpt/json.ts';
import { checkMail, checkVerified, lacksKey } from '../tlsrpt/mail.ts';
import { Refusal } from '../tlsrpt/refusal.ts';
import type { ReadReport } from '../tlsrpt/report.ts';
import { addMark } from '../tlsrpt/unpack.ts';
import { isOwn, readReport, readReports, SILENCE_BREAKS, silenceAboutForm } from './reports.ts';

const GZIP = 'application/tlsrpt+gzip';
const PLAIN = 'application/tlsrpt+json';

/**
 * By the path of a finding, its level before it, and where it counts by what was expected there; the
 * first that fits. What is missing breaks nothing that is said of its form.
 */
const BROKEN: readonly (readonly [at: RegExp, requirement: string, expected?: RegExp])[] = [
  [/ method$/, '8460-3-https-post'],
  [/ content-type$/, '8460-5.4-media-type'],
  [/ packing$|^should attachment$/, '8460-5.2-gzip'],
  [/^must attachment filename$/, '8460-5.1-extension'],
  [/ attachment filename$/, '8460-5.1-filename'],
  [/ (?:header Content-Type|the first part|attachment(?: Content-Type)?)$/, '8460-5.3-multipart'],
  [/ header TLS-Report-Submitter, contact-info$/, '8460-5.3-submitter-match'],
  [/ header TLS-Report-/, '8460-5.3-headers'],
  [/ header Subject$/, '8460-5.3-subject'],
  [/ header DKIM-Signature$/, '8460-3-dkim-valid'],
  [/ header DKIM-Signature, l$/, '8460-3-dkim-no-l'],
  [/ header DKIM-Signature, h$/, '8460-5.3-headers-signed'],
  [/ DKIM key$/, '8460-3-dkim-service'],
  [/ text$/, '8460-4-ijson'],
  [/ policies$/, '8460-4-policies-array', /^an array, be it of one$/],
  [/ date-range$/, '8460-4.1-full-day'],
  [/ date-range\./, '8460-4.4-datetime'],
  [/ contact-info$/, '8460-4.4-contact'],
  [/\.policy-type$/, '8460-4.4-policy-type'],
  [/\.policy-string\b/, '8460-4.4-policy-string'],
  [/\.policy-domain$/, '8460-4.4-policy-domain-alabel', /^a name in A-labels/],
  [/\.mx-host\b/, '8460-4.4-mx-host-array'],
  [/-session-count$/, '8460-4.4-counts-int'],
  [/\.sending-mta-ip$/, '8460-4.4-sending-ip'],
  [/\.receiving-mx-hostname$/, '8460-4.4-mx-hostname'],
  [/\.failure-reason-code$/, '8460-4.3-validation-failure'],
  [/^/, '8460-4.4-required-fields'],
];

const MISCOUNTED = '8460-4.2.2-failure-count';
const TLSA_FORMAT = '8460-4.5-tlsa-format';

export const expectation: Expectation = {
  summary: 'every TLSRPT report that came is a valid one, and came as it has to',
  options: z.strictObject({}),
  example: '- report-valid',
  awaits: ['reports'],
  cites: () => [
    MISCOUNTED,
    TLSA_FORMAT,
    ...SILENCE_BREAKS,
    ...BROKEN.map(([, requirement]) => requirement),
  ],
  describe: () => 'a valid report',
  judge(view) {
    const read = readReports(view);
    const silent = silenceAboutForm(view, read);
    if (silent) return silent;
    const { received } = read;
    const because = seqs(received);
    // Of a sender that has brought a key of its own, the lab's DNS has nothing to say.
    const unsigned = view.trial.sender.dkim ? [] : received.filter(isByUnknownKey);
    const findings = received
      .flatMap((one) => findingsOf(one, !unsigned.includes(one)))
      .toSorted((a, b) => rankOf(a) - rankOf(b));
    const [worst] = findings;
    const isOurs = (event: Seen<'report-received'>) => {
      const report = readReport(event);
      return typeof report !== 'string' && report.policies.some((one) => isOwn(view, one));
    };
    if (unsigned.length > 0 && !(worst && isFailure(worst)))
      return {
        status: 'undecided',
        actual: 'signed by a key that the DNS of the lab does not have',
        because: seqs(unsigned),
        requirement: '8460-3-dkim-valid',
      };
    if (!worst && !received.some(isOurs))
      return {
        status: 'unmet',
        actual: 'a report, but none of this domain',
        because,
        requirement: '8460-4.4-required-fields',
      };
    if (!worst) return { status: 'met', actual: counted(received.length, 'valid report'), because };
    const more = findings.length > 1 ? `, and ${counted(findings.length - 1, 'more finding')}` : '';
    return {
      status: 'unmet',
      actual: `${worst.path}: expected ${worst.expected}, found ${worst.found}${more}`,
      because,
      requirement: requirementOf(worst),
      isMinor: worst.level !== 'must',
    };
  },
};

/** The worst first, as they are graded: what the RFC demands in prose only is a warning. */
function rankOf(finding: Finding): number {
  return isFailure(finding) ? -1 : LEVELS.indexOf(finding.level);
}

function isFailure(finding: Finding): boolean {
  return finding.level === 'must' && isBinding(REQUIREMENTS[requirementOf(finding)]!);
}

function isByUnknownKey({ mail }: Seen<'report-received'>): boolean {
  if (!mail?.attachment) return false;
  return lacksKey(mail.dkim, { ...mail, attachment: mail.attachment });
}

function requirementOf({ path, level, section, expected }: Finding): string {
  if (section.includes('RFC 6698')) return TLSA_FORMAT;
  // Numbers that are numbers, and contradict each other.
  if (level === 'should' && path.endsWith('-session-count')) return MISCOUNTED;
  return BROKEN.find(
    ([at, , wanted]) => at.test(`${level} ${path}`) && (wanted?.test(expected) ?? true),
  )![1];
}

function findingsOf(event: Seen<'report-received'>, isKeyKnown: boolean): readonly Finding[] {
  const { contentType, zipped, mail, method } = event;
  const findings = openFindings();
  if (mail) return mailFindings(mail, event, isKeyKnown);
  if (method) findings.add('should', 'method', 'RFC 8460 §3', 'POST', quote(method));
  const type = contentType.split(';')[0]!.trim().toLowerCase();
  if ((type !== GZIP && type !== PLAIN) || (type === PLAIN && zipped))
    findings.add('should', 'content-type', 'RFC 8460 §5.4', `${GZIP} or ${PLAIN}`, type || 'none');
  else if (type !== GZIP) findings.add('should', 'packing', 'RFC 8460 §5.2', 'gzip', 'plain JSON');
  readInto(findings, event);
  return findings.list;
}

function mailFindings(
  mail: NonNullable<Seen<'report-received'>['mail']>,
  event: Seen<'report-received'>,
  isKeyKnown: boolean,
): readonly Finding[] {
  // Each keeps only so many: a report with very many hides none of its mail.
  const [findings, around] = [openFindings(), openFindings()];
  const read = readInto(findings, event);
  const { attachment } = mail;
  if (attachment) {
    checkMail({ ...mail, attachment }, read, around, mail.dkim);
    if (isKeyKnown) checkVerified(mail.dkim, { ...mail, attachment }, around);
  }
  return [...findings.list, ...around.list];
}

function readInto(
  findings: Findings,
  { report, problem, marked }: Seen<'report-received'>,
): ReadReport {
  const refuse = (why: string, section = 'RFC 8460 §4') => {
    findings.add('must', 'text', section, 'a report', why);
    return { policies: [] };
  };
  if (problem !== undefined) return refuse(problem);
  if (marked) addMark('text', findings);
  try {
    return checkReport(report as Json, findings);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refuse(error.message, error.section);
  }
}
