/** How a report was sent by mail (RFC 8460 §3, §5.3): the mail around it, and its signatures. */

import { lowerAscii } from '../protocol/ascii.ts';
import { isDomain, isSubdomainOf } from '../protocol/name.ts';
import { mailDomain } from './fields.ts';
import { checkFileName } from './file-name.ts';
import { type Findings, quote } from './finding.ts';
import type { ReadReport } from './report.ts';

/** How a report was sent: what of its mail counts, as plain data. */
export interface ReportMail {
  /** The header fields that RFC 8460 asks for, unfolded, in their order; names in lower case. */
  readonly headers: readonly { readonly key: string; readonly value: string }[];
  /** There is a part that people can read. */
  readonly hasText: boolean;
  readonly attachment: {
    readonly mimeType: string;
    readonly filename?: string;
    readonly isGzip: boolean;
  };
  /** How many attachments are as much like a report as that one; it is one of them. */
  readonly alike: number;
}

/**
 * Checks how a report was sent by mail (RFC 8460 §3, §5.1, §5.3) against what it says. `verified`: what
 * became of its signatures, where their keys could be asked for.
 */
export function checkMail(
  mail: ReportMail,
  report: ReadReport,
  findings: Findings,
  verified: readonly VerifiedSignature[] = [],
): void {
  const { filename, isGzip } = mail.attachment;
  checkParts(mail, findings);
  const path = 'attachment filename';
  if (filename === undefined) findings.add('should', path, 'RFC 8460 §5.1', 'a name', 'nothing');
  else checkFileName(filename, { isGzip, report }, path, findings);
  checkHeaders(mail, report, findings);
  checkSignatures(mail, verified, findings);
}

function checkParts(mail: ReportMail, findings: Findings): void {
  const section = 'RFC 8460 §5.3';
  const { attachment, alike } = mail;
  const type = headersOf(mail, 'content-type')[0] ?? '';
  if (
    !/^\s*multipart\/report\s*(?:;|$)/i.test(type) ||
    !/;\s*report-type\s*=\s*"?tlsrpt"?\s*(?:;|$)/i.test(type)
  )
    findings.add(
      'must',
      'header Content-Type',
      section,
      'multipart/report; report-type="tlsrpt"',
      quote(type),
    );
  if (!mail.hasText)
    findings.add('must', 'the first part', section, 'text that people can read', 'none');
  const expected = `application/tlsrpt+${attachment.isGzip ? 'gzip' : 'json'}`;
  if (attachment.mimeType !== expected)
    findings.add('must', 'attachment Content-Type', section, expected, quote(attachment.mimeType));
  if (!attachment.isGzip)
    findings.add('should', 'attachment', 'RFC 8460 §5.2', 'a report packed with gzip', 'JSON');
  if (alike > 1)
    findings.add('must', 'attachment', section, 'one report', `${alike}, of which one was read`);
}

function checkHeaders(mail: ReportMail, report: ReadReport, findings: Findings): void {
  const section = 'RFC 8460 §5.3';
  const [domain, submitter] = (['TLS-Report-Domain', 'TLS-Report-Submitter'] as const).map(
    (name) => {
      const value = headersOf(mail, name.toLowerCase())[0]?.trim();
      if (value === undefined || !isDomain(value))
        findings.add(
          'must',
          `header ${name}`,
          section,
          'a domain',
          value === undefined ? 'nothing' : quote(value),
        );
      return value;
    },
  );
  const contact = report.contact === undefined ? undefined : mailDomain(report.contact);
  if (submitter !== undefined && contact !== undefined && !isSame(submitter, contact))
    findings.add(
      'must',
      'header TLS-Report-Submitter, contact-info',
      section,
      `the domain of contact-info, ${quote(contact)}`,
      quote(submitter),
    );
  const domains = report.policies.flatMap((policy) => policy.domain ?? []);
  const isAbout = (name: string) =>
    // The policy-domain of DANE can be that of the MX (§1.1), and so tells nothing here.
    domains.length === 0 ||
    report.policies.some(({ type }) => type === 'tlsa') ||
    domains.some((other) => isSame(other, name));
  if (domain !== undefined && isDomain(domain) && !isAbout(domain))
    findings.add(
      'should',
      'header TLS-Report-Domain',
      section,
      `the policy-domain, ${quote(domains.join(', '))}`,
      quote(domain),
    );
  checkSubject(mail, { domain, submitter }, findings);
}

function checkSubject(
  mail: ReportMail,
  said: { readonly domain?: string; readonly submitter?: string },
  findings: Findings,
): void {
  const subject = headersOf(mail, 'subject')[0];
  const [, domain, submitter] = SUBJECT.exec(subject ?? '') ?? [];
  const add = (expected: string, found: string) =>
    findings.add('should', 'header Subject', 'RFC 8460 §5.3', expected, found);
  if (domain === undefined || submitter === undefined)
    return void add(
      'Report Domain: DOMAIN Submitter: DOMAIN Report-ID: <ID@DOMAIN>',
      subject === undefined ? 'nothing' : quote(subject),
    );
  if (said.domain !== undefined && !isSame(domain, said.domain))
    add(`the domain of TLS-Report-Domain, ${quote(said.domain)}`, quote(domain));
  if (said.submitter !== undefined && !isSame(submitter, said.submitter))
    add(`the domain of TLS-Report-Submitter, ${quote(said.submitter)}`, quote(submitter));
}

const SUBJECT =
  /^Report\s+Domain:\s+(\S+)\s+Submitter:\s+(\S+)\s+Report-ID:\s+<[^\s<>@]+@[^\s<>@]+>\s*$/;

/** RFC 8460 §3. Whether a signature is valid is for those to say who can ask for its key. */
function checkSignatures(
  mail: ReportMail,
  verified: readonly VerifiedSignature[],
  findings: Findings,
): void {
  const path = 'header DKIM-Signature';
  const signatures = headersOf(mail, 'dkim-signature').map(tagsOf);
  if (signatures.length === 0)
    return void findings.add('must', path, 'RFC 8460 §3', 'a DKIM signature', 'none');
  const submitter = headersOf(mail, 'tls-report-submitter')[0]?.trim() ?? '';
  const own = signatures.filter(({ d = '' }) => isRelated(d, submitter));
  if (isDomain(submitter) && own.length === 0)
    findings.add(
      'must',
      path,
      'RFC 8460 §3',
      `one of the submitter, ${quote(submitter)}`,
      `d=${quote(signatures.map(({ d }) => d ?? '').join(', '))}`,
    );
  // Who looks after one that is not valid has nothing to hold on to.
  const valid = own.filter(({ d = '', s }) =>
    verified.some(
      ({ domain, selector, result }) => result === 'pass' && isSame(domain, d) && selector === s,
    ),
  );
  const judged = [valid, own].find((some) => some.length > 0) ?? signatures;
  if (judged.every(({ l }) => l !== undefined))
    findings.add('must', `${path}, l`, 'RFC 8460 §3', 'no l= tag', `l=${quote(judged[0]!.l!)}`);
  const signed = judged.map(({ h = '' }) => lowerAscii(h).split(':'));
  if (!signed.some((names) => SIGNED.every((name) => names.includes(name))))
    findings.add(
      'should',
      `${path}, h`,
      'RFC 8460 §5.3',
      'TLS-Report-Domain and TLS-Report-Submitter among what is signed',
      `h=${quote(signed[0]!.join(':'))}`,
    );
}

/** What became of a DKIM signature when its key was asked for. */
interface VerifiedSignature {
  readonly domain: string;
  readonly selector: string;
  readonly result: string;
  readonly why?: string;
  /** The key record. */
  readonly key?: string;
}

/** RFC 8460 §3: one signature of the submitter's is valid, by a key that is declared for reports. */
export function checkVerified(
  signatures: readonly VerifiedSignature[],
  mail: ReportMail,
  findings: Findings,
): void {
  const judged = judgedOf(signatures, mail);
  const [first] = judged;
  // That there is none, checkMail tells.
  if (first === undefined) return;
  const valid = judged.find(({ result }) => result === 'pass');
  if (valid === undefined)
    return void findings.add(
      'must',
      'header DKIM-Signature',
      'RFC 8460 §3',
      'a valid signature',
      `${first.result}${first.why ? `: ${quote(first.why)}` : ''}`,
    );
  const services = tagsOf(valid.key ?? '').s;
  if (!services?.split(':').includes('tlsrpt'))
    findings.add(
      'should',
      'DKIM key',
      'RFC 8460 §3',
      'the service type s=tlsrpt',
      services === undefined ? 'none' : `s=${quote(services)}`,
    );
}

/** That none is valid is not known: one of them is by a key that is nowhere to be had. */
export function lacksKey(signatures: readonly VerifiedSignature[], mail: ReportMail): boolean {
  const judged = judgedOf(signatures, mail);
  return (
    judged.every(({ result }) => result !== 'pass') && judged.some(({ why }) => why === 'no key')
  );
}

/** The submitter's own, or where there are none, all. */
function judgedOf(
  signatures: readonly VerifiedSignature[],
  mail: ReportMail,
): readonly VerifiedSignature[] {
  const submitter = headersOf(mail, 'tls-report-submitter')[0]?.trim() ?? '';
  const own = signatures.filter(({ domain }) => isRelated(domain, submitter));
  return own.length > 0 ? own : signatures;
}

const SIGNED = ['tls-report-domain', 'tls-report-submitter'];

/** RFC 6376 §3.2: blanks around tags and in lists mean nothing. */
function tagsOf(signature: string): Readonly<Record<string, string>> {
  const tags: Record<string, string> = Object.create(null);
  for (const tag of signature.split(';')) {
    const [name, ...value] = tag.split('=');
    tags[name!.trim()] ??= value.join('=').replace(/\s+/g, '');
  }
  return tags;
}

function isRelated(one: string, other: string): boolean {
  return (
    isDomain(one) && isDomain(other) && (isSubdomainOf(one, other) || isSubdomainOf(other, one))
  );
}

function isSame(one: string, other: string): boolean {
  return lowerAscii(one).replace(/\.$/, '') === lowerAscii(other).replace(/\.$/, '');
}

function headersOf({ headers }: ReportMail, key: string): string[] {
  return headers.filter((header) => header.key === key).map(({ value }) => value);
}
