/**
 * The message that a sender is given. Each of its recipients has a token of its own, which is the
 * local part of that address; all of them stand in the Subject and in the body (RFC 5322), so that
 * they can be looked for everywhere.
 */

import { z } from 'zod';
import type { Immutable } from './plan.ts';
import type { OutgoingMessage, Recipient } from './sender.ts';

const LARGEST_MESSAGE_BYTES = 1024 * 1024;

/** A header field that every message has. */
const OWN_FIELD = /^(?:From|To|Subject|Date|Message-ID|MIME-Version|Content-[^:]*):/i;

/** What a message of a `send` step is like, where it is not plain. */
export const messageForm = z.strictObject({
  from: z
    .literal('<>')
    .optional()
    .describe('The null reverse-path, as of a bounce (RFC 5321 §4.5.5).'),
  body: z
    .literal('8bit')
    .optional()
    .describe('The text has bytes above 127, and is handed over as BODY=8BITMIME (RFC 6152).'),
  smtputf8: z
    .literal(true)
    .optional()
    .describe(
      'The reverse-path is not ASCII, recipients are in U-labels, and SMTPUTF8 is asked for (RFC 6531).',
    ),
  size: z
    .int()
    .positive()
    .max(LARGEST_MESSAGE_BYTES)
    .optional()
    .describe('Of so many bytes, or a few more.'),
  requiretls: z
    .literal(true)
    .optional()
    .describe('The parameter REQUIRETLS is asked for at submission (RFC 8689 §2).'),
  tlsRequired: z
    .literal('no')
    .optional()
    .describe('The header field `TLS-Required: No` (RFC 8689 §3).'),
  header: z
    .string()
    .regex(/^[!-9;-~]+: [ -~]*$/, 'a header field is one line, NAME: VALUE')
    .refine((field) => !OWN_FIELD.test(field), 'the message has this field of itself')
    .refine((field) => !/^TLS-Required: *No *$/i.test(field), 'say tlsRequired: no')
    .optional()
    .describe('A further header field, `NAME: VALUE`.'),
  line: z
    .string()
    .regex(/^[ -~]{1,76}$/, 'a line of ASCII, 76 characters at most')
    .optional()
    .describe('A further line of the text.'),
});
export type MessageForm = Immutable<z.output<typeof messageForm>>;

export interface MessageOrder {
  /** One at least. */
  readonly recipients: readonly Recipient[];
  readonly from: string;
  readonly form?: MessageForm;
}

/** Stands in the body of every message, and nowhere else. */
export const BODY_MARK = 'This is a test message of Holdfast.';
/** Stands in the header of every message, before its tokens. */
export const SUBJECT_MARK = 'Subject: holdfast ';

export function composeMessage({ recipients, from, form = {} }: MessageOrder): OutgoingMessage {
  const [first, ...also] = recipients as readonly [Recipient, ...Recipient[]];
  const reversePath = form.from === '<>' ? '' : form.smtputf8 ? `pröbe-${from}` : from;
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const tokens = recipients.map(({ token }) => token);
  const text = [
    `From: Holdfast <${reversePath || `postmaster@${domain}`}>`,
    `To: ${recipients.map(({ to }) => `<${to}>`).join(', ')}`,
    `${SUBJECT_MARK}${tokens.join(' ')}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${first.token}@${domain}>`,
    ...(form.tlsRequired === 'no' ? ['TLS-Required: No'] : []),
    ...(form.header === undefined ? [] : [form.header]),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    ...(form.body === '8bit' ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    `${BODY_MARK} Its token is ${tokens.join(' ')}.`,
    ...(form.line === undefined ? [] : [form.line]),
    ...(form.body === '8bit' ? ['Bytes above 127: «äöü».'] : []),
    '',
  ].join('\r\n');
  return {
    ...first,
    ...(also.length > 0 && { also }),
    from: reversePath,
    data: text + filling((form.size ?? 0) - Buffer.byteLength(text)),
    ...(form.body === '8bit' && { body: '8BITMIME' }),
    ...(form.smtputf8 && { smtputf8: true }),
    ...(form.requiretls && { requiretls: true }),
  };
}

const FILLER = `${'x'.repeat(76)}\r\n`;

function filling(bytes: number): string {
  return FILLER.repeat(Math.max(0, Math.ceil(bytes / FILLER.length)));
}

/** To whom it goes, the first recipient first. */
export function recipientsOf({ token, to, also = [] }: OutgoingMessage): readonly Recipient[] {
  return [{ token, to }, ...also];
}

/** In hexadecimal, or what is written in base64 (a report, a signature) would hold one by chance. */
const TOKEN = /hf[0-9a-f]{12}/g;

/**
 * Tokens of messages, wherever they stand in a text, whatever became of the case of their letters.
 */
export function tokensIn(text: string): string[] {
  return [...new Set(text.toLowerCase().match(TOKEN))];
}
