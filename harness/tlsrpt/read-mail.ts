/** From a mail to the report in it (RFC 8460 §5.3), within bounds. */

import PostalMime, { type Attachment, type Email } from 'postal-mime';
import { printable } from '../protocol/printable.ts';
import type { ReportMail } from './mail.ts';
import { Refusal } from './refusal.ts';

/** A report's mail has two parts, or a handful where a list or a gateway has added some. */
const MOST_PARTS = 200;
/** Each costs the parser far more than its length. 10 MiB in base64 are 140,000. */
const MOST_LINES = 150_000;
const LIMITS = {
  maxNestingDepth: 16,
  maxHeadersSize: 256 * 1024,
  forceRfc822Attachments: true,
} as const;

/**
 * The report as it was attached, and its mail. Throws Refusal for a mail that cannot be read, or
 * that has no report in it.
 */
export async function readMail(
  bytes: Buffer,
): Promise<{ readonly content: Buffer; readonly mail: ReportMail }> {
  const email = await parse(bytes);
  const ranked = email.attachments
    .map((attachment) => ({ attachment, likeness: likenessOf(attachment) }))
    .filter(({ likeness }) => likeness > 0)
    .sort((a, b) => b.likeness - a.likeness);
  const [best] = ranked;
  if (best === undefined) throw new Refusal('a mail with no report in it', 'RFC 8460 §5.3');
  const content = contentOf(best.attachment);
  const { mimeType, filename } = best.attachment;
  return {
    content,
    mail: {
      headers: email.headers
        .filter(({ key }) => COUNTING.includes(key))
        .map(({ key, value }) => ({ key, value })),
      hasText: email.text !== undefined || email.html !== undefined,
      attachment: { mimeType, ...(filename && { filename }), isGzip: isGzip(content) },
      alike: ranked.filter(({ likeness }) => likeness === best.likeness).length,
    },
  };
}

const COUNTING = [
  'content-type',
  'subject',
  'tls-report-domain',
  'tls-report-submitter',
  'dkim-signature',
];

function isGzip([first, second]: Buffer): boolean {
  return first === 0x1f && second === 0x8b;
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
  const bytes = contentOf({ content });
  return isGzip(bytes) || bytes[0] === 0x7b ? 1 : 0;
}

function contentOf({ content }: Pick<Attachment, 'content'>): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : Buffer.from(content as ArrayBuffer);
}
