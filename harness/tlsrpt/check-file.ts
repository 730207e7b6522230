/**
 * A TLSRPT report (RFC 8460) from its bytes: what is wrong with it, and what it tells. Takes JSON,
 * gzip, and a mail with either. Whatever is in it, this neither throws nor takes more than its bounds.
 */

import { checkReport } from './check.ts';
import { checkFileName } from './file-name.ts';
import { type Finding, type Level, openFindings } from './finding.ts';
import { readJson } from './json.ts';
import { checkMail } from './mail.ts';
import { Refusal } from './refusal.ts';
import type { ReadReport } from './report.ts';
import { checkSize, decode, gunzip, kindOf } from './unpack.ts';

export type CheckedFile =
  | {
      readonly kind: 'report';
      /** How it came, outermost first. */
      readonly packing: readonly ('mail' | 'gzip')[];
      readonly report: ReadReport;
      readonly findings: readonly Finding[];
      /** Of all findings; more than are listed where there are very many. */
      readonly counts: Readonly<Record<Level, number>>;
    }
  | {
      readonly kind: 'refused';
      /** Half a sentence, safe to show. */
      readonly reason: string;
      readonly section?: string;
    };

/** `name`: of the file, without its folder; it is checked where it is one of RFC 8460 §5.1. */
export async function checkFile(bytes: Buffer, name: string): Promise<CheckedFile> {
  try {
    return await read(bytes, name);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { kind: 'refused', reason: error.message, section: error.section };
  }
}

async function read(bytes: Buffer, name: string): Promise<CheckedFile> {
  const findings = openFindings();
  const packing: ('mail' | 'gzip')[] = [];
  checkSize(bytes);
  let content = bytes;
  let kind = kindOf(content, 'it');
  // The MIME parser is loaded for mail alone.
  const mailed =
    kind === 'mail' ? await (await import('./read-mail.ts')).readMail(content) : undefined;
  if (mailed !== undefined) {
    packing.push('mail');
    content = mailed.content;
    kind = kindOf(content, 'the report in the mail');
  }
  const isGzip = kind === 'gzip';
  for (let layers = 1; kind === 'gzip'; layers++) {
    if (layers > MOST_LAYERS)
      throw new Refusal('packed with gzip again and again', 'RFC 8460 §5.2');
    if (layers === 2)
      findings.add('must', '', 'RFC 8460 §5.2', 'a report packed once', 'one packed twice');
    packing.push('gzip');
    content = gunzip(content);
    kind = kindOf(content, 'what is packed with gzip');
  }
  if (kind === 'mail') throw new Refusal('what should be the report is a mail', 'RFC 8460 §5.3');
  const report = checkReport(readJson(decode(content, findings)), findings);
  if (mailed !== undefined) checkMail(mailed.mail, report, findings);
  // A file that was given another name tells nothing of its sender.
  else if (name.includes('!')) checkFileName(name, { isGzip, report }, 'file name', findings);
  return { kind: 'report', packing, report, findings: findings.list, counts: findings.counts };
}

const MOST_LAYERS = 2;
