/**
 * The report inbox: an `https:` endpoint for TLSRPT reports (RFC 8460 §3, §5.4), and one in clear
 * that nobody should use. It takes and records; it does not judge.
 */

import http from 'node:http';
import type net from 'node:net';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Event, LONGEST_PATH } from '../model/observation.ts';
import type { ReportHostPlan } from '../model/plan.ts';
import { readJson } from '../tlsrpt/json.ts';
import type { TlsAcceptor } from './tls.ts';

export interface ReportSetting {
  readonly host: string;
  readonly scheme: 'https' | 'http';
  readonly plan: ReportHostPlan;
  readonly connection: string;
  readonly tls: TlsAcceptor;
  record(event: Event): void;
}

export interface ReportInbox {
  serve(socket: net.Socket, setting: ReportSetting): Promise<void>;
}

const LARGEST_REPORT_BYTES = 1024 * 1024;
const unzip = promisify(gunzip);

export function createReportInbox(): ReportInbox {
  const served = new WeakMap<object, ReportSetting>();
  const server = http.createServer((request, response) => {
    const setting = served.get(request.socket)!;
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= LARGEST_REPORT_BYTES) chunks.push(chunk);
    });
    request.on('error', () => {});
    request.on('end', async () => {
      const contentType = request.headers['content-type'] ?? '';
      const { method = '' } = request;
      const { status = 200 } = setting.plan;
      const answer = () => void response.writeHead(status).end();
      // Who only looks whether somebody is at home has sent no report.
      if (bytes === 0 && method !== 'POST') return answer();
      const read =
        bytes > LARGEST_REPORT_BYTES
          ? { problem: `${bytes} bytes are more than the inbox takes` }
          : await readReport(Buffer.concat(chunks), contentType);
      setting.record({
        kind: 'report-received',
        host: setting.host,
        ...(method !== 'POST' && { method }),
        path: (request.url ?? '').slice(0, LONGEST_PATH),
        status,
        contentType,
        ...read,
      });
      answer();
    });
  });
  server.on('clientError', (_error, socket) => socket.destroy());

  return {
    async serve(socket, setting) {
      socket.on('error', () => {});
      setting.record({
        kind: 'web-connection',
        connection: setting.connection,
        service: 'report-host',
        host: setting.host,
        scheme: setting.scheme,
      });
      if (setting.plan.reach === 'reset') return void socket.resetAndDestroy();
      if (setting.plan.reach === 'silent') return void socket.resume();
      if (setting.scheme === 'http') {
        served.set(socket, setting);
        server.emit('connection', socket);
        return;
      }
      const accepted = await setting.tls.accept(
        socket,
        { host: setting.host, service: 'report-host', plan: setting.plan.tls ?? {}, others: {} },
        setting.connection,
        setting.record,
        ['http/1.1'],
      );
      if (accepted.kind === 'clear') return void socket.destroy();
      if (accepted.kind === 'over') return;
      accepted.socket.on('error', () => {});
      served.set(accepted.socket, setting);
      server.emit('connection', accepted.socket);
    },
  };
}

/** RFC 8460 §6.4, §6.5: application/tlsrpt+json or application/tlsrpt+gzip. */
export async function readReport(
  body: Buffer,
  contentType: string,
): Promise<{ report: unknown; zipped?: true; marked?: true } | { problem: string }> {
  try {
    // By its own first bytes (RFC 1952 §2.3.1): under another name it is a report all the same.
    const zipped = body[0] === 0x1f && body[1] === 0x8b;
    if (!zipped && contentType.split(';')[0]!.trim().toLowerCase() === 'application/tlsrpt+gzip')
      return { problem: 'it is called gzip, and is not' };
    const bytes = zipped ? await unzip(body, { maxOutputLength: 4 * LARGEST_REPORT_BYTES }) : body;
    const whole = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const marked = whole.startsWith('\ufeff');
    const text = marked ? whole.slice(1) : whole;
    // It refuses what JSON.parse takes: members twice, and what is nested too deep for anything else.
    readJson(text);
    const report: unknown = JSON.parse(text);
    return { report, ...(zipped && { zipped }), ...(marked && { marked }) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
