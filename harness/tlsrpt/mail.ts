/** A report that came by mail (RFC 8460 §3, §5.3): the report in it, and how it was sent. */

import PostalMime, { type Attachment, type Email } from 'postal-mime';
import { lowerAscii } from '../protocol/ascii.ts';
import { isDomain, isSubdomainOf } from '../protocol/name.ts';
import { printable } from '../protocol/printable.ts';
import { mailDomain } from './fields.ts';
import { checkFileName } from './file-name.ts';
import { type Findings, quote } from './finding.ts';
import { Refusal } from './refusal.ts';
import type { ReadReport } from './report.ts';

export interface ReportMail {
  /** The report as it was attached. */
  readonly content: Buffer;
  /** Checks the mail against the report. */
  check(report: ReadReport, findings: Findings): void;
}

/** A report's mail has two parts, or a handful where a list or a gateway has added some. */
const MOST_PARTS = 200;
/** Each costs the parser far more than its length. 10 MiB in base64 are 140,000. */
const MOST_LINES = 150_000;
const LIMITS = {
  maxNestingDepth: 16,
  maxHeadersSize: 256 * 1024,
  forceRfc822Attachments: true,
} as const;

/** Throws Refusal for a mail that cannot be read, or that has no report in it. */
export async function readMail(bytes: Buffer): Promise<ReportMail> {
  const email = await parse(bytes);
  const ranked = email.attachments
    .map((attachment) => ({ attachment, likeness: likenessOf(attachment) }))
    .filter(({ likeness }) => likeness > 0)
    .sort((a, b) => b.likeness - a.likeness);
  const [best] = ranked;
  if (best === undefined) throw new Refusal('a mail with no report in it', 'RFC 8460 §5.3');
  const content = contentOf(best.attachment);
  const alike = ranked.filter(({ likeness }) => likeness === best.likeness).length;
  return {
    content,
    check(report, findings) {
      checkParts(email, best.attachment, alike, findings);
      const isGzip = content[0] === 0x1f && content[1] === 0x8b;
      checkFileName(
        best.attachment.filename ?? '',
        { isGzip, report },
        'attachment filename',
        findings,
      );
      checkHeaders(email, report, findings);
      checkSignatures(email, findings);
    },
  };
}

async function parse(bytes: Buffer): Promise<Email> {
  const lines = countOf(bytes, '\n', MOST_LINES);
  if (lines > MOST_LINES) throw new Refusal(`a mail of more than ${MOST_LINES} lines`);
  const parts = countOf(bytes, '\n--', MOST_PARTS);
  if (parts > MOST_PARTS) throw new Refusal(`a mail of more than ${MOST_PARTS} parts`);
  // A mailbox file has a line before the first header.
  const start = bytes.toString('latin1', 0, 5) === 'From ' ? bytes.indexOf('\n') + 1 : 0;
  try {
    return await PostalMime.parse(bytes.subarray(start), LIMITS);
  } catch (error) {
    throw new Refusal(`a mail that cannot be read: ${printable((error as Error).message)}`);
  }
}

/** How often this stands there; a number above `most` means more than that. */
function countOf(bytes: Buffer, text: string, most: number): number {
  let count = 0;
  for (let at = bytes.indexOf(text); at !== -1 && count <= most; at = bytes.indexOf(text, at + 1))
    count++;
  return count;
}

/** How much an attachment is like a report; 0: not at all. */
function likenessOf({ mimeType, filename, content }: Attachment): number {
  if (mimeType.startsWith('application/tlsrpt')) return 3;
  if (/\.json(?:\.gz)?$/i.test(filename ?? '')) return 2;
  const [first, second] = contentOf({ content });
  return (first === 0x1f && second === 0x8b) || first === 0x7b ? 1 : 0;
}

function contentOf({ content }: Pick<Attachment, 'content'>): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : Buffer.from(content as ArrayBuffer);
}

function checkParts(
  email: Email,
  attachment: Attachment,
  reports: number,
  findings: Findings,
): void {
  const section = 'RFC 8460 §5.3';
  const type = headersOf(email, 'content-type')[0] ?? '';
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
  if (email.text === undefined && email.html === undefined)
    findings.add('must', 'the first part', section, 'text that people can read', 'none');
  const content = contentOf(attachment);
  const isGzip = content[0] === 0x1f && content[1] === 0x8b;
  const expected = isGzip ? 'application/tlsrpt+gzip' : 'application/tlsrpt+json';
  if (attachment.mimeType !== expected)
    findings.add('must', 'attachment Content-Type', section, expected, quote(attachment.mimeType));
  if (!isGzip)
    findings.add('should', 'attachment', 'RFC 8460 §5.2', 'a report packed with gzip', 'JSON');
  if (reports > 1)
    findings.add('must', 'attachment', section, 'one report', `${reports}, of which one was read`);
}

function checkHeaders(email: Email, report: ReadReport, findings: Findings): void {
  const section = 'RFC 8460 §5.3';
  const [domain, submitter] = (['TLS-Report-Domain', 'TLS-Report-Submitter'] as const).map(
    (name) => {
      const value = headersOf(email, name.toLowerCase())[0]?.trim();
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
      'header TLS-Report-Submitter',
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
  checkSubject(email, { domain, submitter }, findings);
}

function checkSubject(
  email: Email,
  said: { readonly domain?: string; readonly submitter?: string },
  findings: Findings,
): void {
  const subject = headersOf(email, 'subject')[0];
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
function checkSignatures(email: Email, findings: Findings): void {
  const path = 'header DKIM-Signature';
  const signatures = headersOf(email, 'dkim-signature').map(tagsOf);
  if (signatures.length === 0)
    return void findings.add('must', path, 'RFC 8460 §3', 'a DKIM signature', 'none');
  const submitter = headersOf(email, 'tls-report-submitter')[0]?.trim() ?? '';
  const own = signatures.filter(({ d = '' }) => isRelated(d, submitter));
  if (isDomain(submitter) && own.length === 0)
    findings.add(
      'must',
      path,
      'RFC 8460 §3',
      `one of the submitter, ${quote(submitter)}`,
      `d=${quote(signatures.map(({ d }) => d ?? '').join(', '))}`,
    );
  const judged = own.length > 0 ? own : signatures;
  if (judged.every(({ l }) => l !== undefined))
    findings.add('must', path, 'RFC 8460 §3', 'no l= tag', `l=${quote(judged[0]!.l!)}`);
  const signed = judged.map(({ h = '' }) => lowerAscii(h).split(':'));
  if (!signed.some((names) => SIGNED.every((name) => names.includes(name))))
    findings.add(
      'should',
      path,
      'RFC 8460 §5.3',
      'TLS-Report-Domain and TLS-Report-Submitter among what is signed',
      `h=${quote(signed[0]!.join(':'))}`,
    );
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

/** Unfolded. */
function headersOf(email: Email, key: string): string[] {
  return email.headers.filter((header) => header.key === key).map(({ value }) => value);
}
