/**
 * How a report gets to its domain (RFC 8460 §3, §5): posted over HTTPS, or mailed.
 */

import { randomUUID } from 'node:crypto';
import { within } from '../../concurrency/wait.ts';
import { SENDER_DOMAIN } from '../../model/plan.ts';
import type { TlsReport } from '../../protocol/tlsrpt-report.ts';
import type { DkimSigner } from './dkim.ts';
import { exchange } from './http.ts';
import type { Mail } from './mail.ts';
import { handshake } from './network.ts';
import type { Setting } from './setting.ts';
import type { Is } from './traits.ts';

/** A report, and what it is about. */
export interface Parcel {
  readonly domain: string;
  readonly report: TlsReport;
  /** As it is sent. */
  readonly bytes: Buffer;
}

const ANSWER_LIMIT_BYTES = 64 * 1024;

/** RFC 8460 §3, §5.4: whether the destination took the report. */
export async function post(
  uri: string,
  report: Buffer,
  { dns, network, trust, timeouts, is }: Setting,
): Promise<boolean> {
  try {
    const url = new URL(uri);
    const headers = {
      'content-type': is('reports-as-json')
        ? 'application/json'
        : `application/tlsrpt+${is('reports-unpacked') ? 'json' : 'gzip'}`,
      'content-length': String(report.length),
    };
    const { status } = await within(timeouts.policyFetchMs, 'the report', async (signal) => {
      const found = await dns.addresses(url.hostname);
      if (found.kind !== 'records') throw new Error(`${url.hostname}: no address`);
      const isClear = url.protocol === 'http:';
      const port = Number(url.port) || (isClear ? 80 : 443);
      const socket = await network.connect(found.records[0]!, port, signal);
      // §3: certificate errors may be ignored here, for it may well be certificates that the report
      // is about.
      const secured = isClear
        ? socket
        : await handshake(socket, { trust: trust.policyHosts, servername: url.hostname }, signal);
      return exchange(
        secured,
        { method: is('reports-by-put') ? 'PUT' : 'POST', url, headers, body: report },
        ANSWER_LIMIT_BYTES,
        signal,
      );
    });
    return status === 200 || (status > 200 && status < 300 && !is('wants-200-for-reports'));
  } catch {
    return false;
  }
}

/** §5.3: words for people, then the report. */
export async function mailOf(
  parcel: Parcel,
  mailbox: string,
  dkim: DkimSigner,
  { clock, is }: Setting,
): Promise<Mail> {
  const { domain, report } = parcel;
  const boundary = `=_${randomUUID()}`;
  const part = (header: string, content: string) =>
    `--${boundary}\r\n${header}\r\n\r\n${content}\r\n`;
  const from = `tlsrpt@${SENDER_DOMAIN}`;
  const submitter = is('reports-under-another-name') ? `mail.${SENDER_DOMAIN}` : SENDER_DOMAIN;
  const fields = is('mails-reports-without-fields')
    ? []
    : [`TLS-Report-Domain: ${domain}\r\n`, `TLS-Report-Submitter: ${submitter}\r\n`];
  const subject = is('mails-reports-with-any-subject')
    ? `TLS report for ${domain}`
    : `Report Domain: ${domain}\r\n Submitter: ${submitter}\r\n Report-ID: <${report['report-id']}>`;
  const type = is('mails-reports-as-mixed')
    ? 'multipart/mixed'
    : 'multipart/report; report-type="tlsrpt"';
  const text = [
    `From: <${from}>\r\n`,
    `To: <${mailbox}>\r\n`,
    `Subject: ${subject}\r\n`,
    `Date: ${new Date(clock.now()).toUTCString().replace('GMT', '+0000')}\r\n`,
    `Message-ID: <${randomUUID()}@${SENDER_DOMAIN}>\r\n`,
    'MIME-Version: 1.0\r\n',
    ...fields,
    `Content-Type: ${type}; boundary="${boundary}"\r\n\r\n`,
    ...(is('mails-reports-without-words')
      ? []
      : [part('Content-Type: text/plain', `A report on TLS sessions with ${domain}.`)]),
    attachment(parcel, is, part),
    `--${boundary}--\r\n`,
  ].join('');
  const data = is('mails-unsigned-reports') ? text : await dkim.sign(text);
  // §3, §5.3: what keeps mail from the domain may be what the report is about.
  return { from, to: mailbox, data, tlsOptional: !is('holds-reports-back') };
}

function attachment(
  { domain, report, bytes }: Parcel,
  is: Is,
  part: (header: string, content: string) => string,
): string {
  const packed = bytes[0] === 0x1f;
  const type = is('mails-reports-as-octets')
    ? 'application/octet-stream'
    : `application/tlsrpt+${packed ? 'gzip' : 'json'}`;
  const { 'start-datetime': start, 'end-datetime': end } = report['date-range'];
  // §5.1
  const seconds = (date: string) => Math.floor(Date.parse(date) / 1000);
  const stem = is('names-reports-by-date')
    ? `report-${start.slice(0, 10)}`
    : `${SENDER_DOMAIN}!${domain}!${seconds(start)}!${seconds(end)}`;
  const extension = packed && !is('names-packed-reports-json') ? 'json.gz' : 'json';
  return part(
    [
      `Content-Type: ${type}; name="${stem}.${extension}"`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment; filename="${stem}.${extension}"`,
    ].join('\r\n'),
    bytes.toString('base64').replace(/.{1,76}/g, '$&\r\n'),
  );
}
