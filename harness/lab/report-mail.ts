/**
 * A report that came by mail (RFC 8460 §5.3): what is attached to it, and whether its DKIM
 * signatures are valid by the keys in the lab's DNS (RFC 6376). It reads; it does not judge.
 */

import type { DkimSignature, MailedReport, ReportEvent } from '../model/observation.ts';
import { mailboxOf, selectTlsrptRecord } from '../protocol/tlsrpt-record.ts';
import { Refusal } from '../tlsrpt/refusal.ts';
import type { ArrivedMail } from './honest-mx.ts';
import { readReport } from './report-inbox.ts';

/** The TXT records of a name, each with its character-strings joined. */
export type LookUpTxt = (name: string) => readonly string[];

/** What is loaded for the first report by mail, so that the sender need not wait for it. */
export function prepareForMail(): void {
  void Promise.all([reader(), verifier()]);
}

/** The mailboxes that these reporting records name (RFC 8460 §3, RFC 6068). */
export function mailboxesOf(texts: readonly string[]): string[] {
  const record = selectTlsrptRecord(texts);
  if (!record.ok) return [];
  return record.value.rua.flatMap(({ uri }) => mailboxOf(uri)?.toLowerCase() ?? []);
}

/** Mail that is none of ours, and was sent to such a mailbox or looks like a report. */
export function isReport(
  { tokens, rcptTo, dsnAction }: ArrivedMail,
  text: string,
  mailboxes: readonly string[],
): boolean {
  if (tokens.length > 0 || dsnAction !== undefined) return false;
  return (
    rcptTo.some((recipient) => mailboxes.includes(recipient.toLowerCase())) ||
    /^(?:tls-report-|content-type:[ \t]*application\/tlsrpt)/im.test(text)
  );
}

/** What is to be recorded of it; never rejects for what is in the mail. */
export async function readReportMail(
  bytes: Buffer,
  mail: Pick<MailedReport, 'from' | 'to' | 'secure'>,
  lookUp: LookUpTxt,
): Promise<Omit<ReportEvent, 'kind' | 'host'>> {
  const dkim = await signaturesOf(bytes, lookUp);
  try {
    const { readMail } = await reader();
    const { content, mail: read } = await readMail(bytes);
    const { mimeType } = read.attachment;
    const report = await readReport(content, mimeType);
    return { contentType: mimeType, ...report, mail: { ...mail, ...read, dkim } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const nothing = { headers: [], hasText: false, alike: 0 };
    return { contentType: '', problem: error.message, mail: { ...mail, ...nothing, dkim } };
  }
}

const reader = () => import('../tlsrpt/read-mail.ts');
const verifier = async () => (await import('mailauth/lib/dkim/verify.js')).dkimVerify;

async function signaturesOf(bytes: Buffer, lookUp: LookUpTxt): Promise<DkimSignature[]> {
  const verify = await verifier();
  const { results } = await verify(bytes, {
    // RFC 8301 §3.1: nobody verifies by rsa-sha1.
    rejectRsaSha1: true,
    resolver: async (name, type) => {
      const texts = type === 'TXT' ? lookUp(name) : [];
      if (texts.length === 0) throw Object.assign(new Error('no key'), { code: 'ENOTFOUND' });
      // It takes keys for mail alone (RFC 6376 §3.6.1), and those of reports are for tlsrpt.
      return texts.map((text) => [text.replace(/(^|;)\s*s\s*=[^;]*/, '$1')]);
    },
  });
  const signed = results.filter(({ status }) => status.result !== 'none');
  return signed.map(({ signingDomain: domain = '', selector = '', status }) => {
    const [key] = lookUp(`${selector}._domainkey.${domain}`);
    // RFC 6376 §6.1.1: the i= of a signature is of its d=, or it is no valid one.
    const isMismatched = status.warnings?.includes('identity-domain') === true;
    const { result, comment } = isMismatched
      ? { result: 'neutral', comment: 'domain mismatch' }
      : status;
    return {
      domain,
      selector,
      result,
      ...(comment && { why: comment }),
      ...(key !== undefined && { key }),
    };
  });
}
