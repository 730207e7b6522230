/**
 * The message that a sender is given: its token stands in the recipient's address, in the Subject
 * and in the body (RFC 5322), so that it can be looked for everywhere.
 */

import type { OutgoingMessage } from './sender.ts';

export function composeMessage({
  token,
  from,
  to,
}: Omit<OutgoingMessage, 'data'>): OutgoingMessage {
  const data = [
    `From: Holdfast <${from}>`,
    `To: <${to}>`,
    `Subject: holdfast ${token}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${token}@${from.split('@')[1]}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    `This is a test message of Holdfast. Its token is ${token}.`,
    '',
  ].join('\r\n');
  return { token, from, to, data };
}

const TOKEN = /hf[a-z0-9]{12}/g;

/**
 * Tokens of messages, wherever they stand in a text, whatever became of the case of their letters.
 */
export function tokensIn(text: string): string[] {
  return [...new Set(text.toLowerCase().match(TOKEN))];
}
