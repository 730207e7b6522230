/**
 * The bounce: a delivery status notification (RFC 3464) under the null reverse-path (RFC 5321
 * §6.1).
 */

import { randomUUID } from 'node:crypto';
import { printable } from '../../protocol/printable.ts';
import { domainOf, type Mail } from './mail.ts';
import type { Is } from './traits.ts';

/** Returns the header of the mail to its sender; `detail` may be hostile. */
export function bounceOf(
  mail: Mail,
  { detail, status = '5.0.0' }: { readonly detail: string; readonly status?: string },
  now: number,
  is: Is,
): Mail {
  const domain = domainOf(mail.from);
  const boundary = `=_${randomUUID()}`;
  const part = (type: string, content: string) =>
    `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${content}\r\n`;
  const header = mail.data.slice(0, mail.data.indexOf('\r\n\r\n') + 2);
  const data = [
    `From: Mail delivery <postmaster@${domain}>\r\n`,
    `To: <${mail.from}>\r\n`,
    'Subject: Undeliverable mail\r\n',
    `Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}\r\n`,
    `Message-ID: <${randomUUID()}@${domain}>\r\n`,
    'Auto-Submitted: auto-replied\r\n',
    'MIME-Version: 1.0\r\n',
    'Content-Transfer-Encoding: 8bit\r\n',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"\r\n\r\n`,
    part(
      'text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit',
      `Your mail to ${mail.to} could not be delivered.\r\n${printable(detail)}`,
    ),
    part(
      'message/delivery-status',
      `Reporting-MTA: dns; ${domain}\r\n\r\nFinal-Recipient: rfc822; ${mail.to}\r\nAction: failed\r\nStatus: ${status}`,
    ),
    // RFC 8689 §5: of mail that asks for TLS no more than the header.
    is('returns-requiretls-mail-whole') && mail.requiretls
      ? part('message/rfc822', mail.data)
      : part('text/rfc822-headers', header),
    `--${boundary}--\r\n`,
  ];
  // RFC 5321 §6.1: the null reverse-path, so that it is never returned itself.
  const from = is('returns-from-postmaster') ? `postmaster@${domain}` : '';
  // RFC 8689 §5: it is protected as the mail was.
  const isBare = is('bounces-requiretls-mail-in-clear');
  return {
    from,
    to: mail.from,
    data: data.join(''),
    smtputf8: mail.smtputf8,
    requiretls: mail.requiretls && !isBare && !is('bounces-without-requiretls'),
    tlsOptional: mail.requiretls && isBare,
  };
}
