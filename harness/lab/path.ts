/**
 * The path: the man in the middle at each MX's published address, in front of the honest exchanger.
 *
 *   sender ──(clear or TLS, as the plan says)── path ──(clear, loopback)── honest MX
 *
 * Transparent until the plan says otherwise. It holds the honest host's key, so that it reads both
 * directions inside TLS as well: the honest case and every attack run through this one dialogue,
 * and exposure is recorded in one place (RFC 5321, RFC 3207).
 */

import type net from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { tokensIn } from '../model/message.ts';
import type { Event } from '../model/observation.ts';
import type { DialoguePlan, EhloPlan, MxPlan, ReplyPlan, StarttlsPlan } from '../model/plan.ts';
import { mxOnConnection } from '../model/plan-changes.ts';
import type { ArrivedMail } from './honest-mx.ts';
import { type LineReader, readLines } from './lines.ts';
import { nameOfTlsError, reset, type TlsAcceptor, type TlsHost } from './tls.ts';

export interface PathSetting {
  readonly mx: string;
  readonly address: string;
  readonly nth: number;
  readonly connection: string;
  readonly plan: MxPlan;
  readonly others: TlsHost['others'];
  /** A connection to the honest exchanger. */
  dial(): net.Socket;
  readonly tls: TlsAcceptor;
  /** Mail that arrives on a connection from this local port belongs to this path. */
  claim(localPort: number, onMail: (mail: ArrivedMail) => void): () => void;
  record(event: Event): void;
}

const EXCERPT_CHARS = 400;
const CONTENT_KEPT_CHARS = 256 * 1024;

/** Serves one connection of the sender until it ends; never throws at what the sender does. */
export async function servePath(socket: net.Socket, setting: PathSetting): Promise<void> {
  const { mx, address, nth, connection, record } = setting;
  const plan = mxOnConnection(setting.plan, nth);
  record({ kind: 'smtp-connection', connection, mx, address, nth });
  let how = 'closed';
  socket.on('error', (error) => {
    how = nameOfTlsError(error);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (plan.reach === 'reset') socket.resetAndDestroy();
  if (plan.reach === 'silent') socket.resume();
  let by: 'sender' | 'path' = plan.reach === 'reset' ? 'path' : 'sender';
  let cut = false;
  socket.once('timeout', () => {
    cut = true;
  });
  if (plan.reach === undefined || plan.reach === 'open') {
    const upstream = setting.dial();
    try {
      const end = await converse(socket, upstream, plan, setting);
      by = end.by;
      how = end.how ?? how;
    } catch (error) {
      record({
        kind: 'lab-fault',
        detail: `path ${mx}: ${error instanceof Error ? error.message : String(error)}`,
      });
      socket.destroy();
    } finally {
      upstream.destroy();
    }
  }
  await closed;
  record({
    kind: 'smtp-closed',
    connection,
    mx,
    ...(cut ? { by: 'path', how: 'cut: nothing had moved for long' } : { by, how }),
  });
}

interface End {
  readonly by: 'sender' | 'path';
  readonly how?: string;
}

/** One direction to write to the sender, and what the path knows of the channel. */
interface Channel {
  /** The TCP connection, under TLS or not. */
  readonly socket: net.Socket;
  stream: Duplex;
  reader: LineReader;
  secure: boolean;
  authenticated: boolean;
  /** More was there before the last reply went out. */
  early: boolean;
  /** What the honest exchanger takes now, the sender is told is refused. */
  swallowing: boolean;
}

async function converse(
  socket: net.Socket,
  upstream: net.Socket,
  plan: MxPlan,
  setting: PathSetting,
): Promise<End> {
  const { mx, connection, record } = setting;
  const channel: Channel = {
    socket,
    stream: socket,
    reader: readLines(socket),
    secure: false,
    authenticated: false,
    early: false,
    swallowing: false,
  };
  const honest = readLines(upstream);
  if (upstream.connecting) await oneOf(upstream, 'connect', 'close');
  if (upstream.localPort === undefined) throw new Error('the honest exchanger cannot be reached');
  const release = setting.claim(upstream.localPort, (mail) => {
    if (!channel.swallowing)
      record({
        kind: 'message-accepted',
        connection,
        mx,
        secure: channel.secure,
        authenticated: channel.authenticated,
        ...mail,
      });
  });
  let tlsEnd: string | undefined;

  try {
    const greeting = await readReply(honest);
    if (greeting.length === 0) return await hangUp(channel, 'connect', setting);
    let end = await answer(channel, 'connect', greeting, plan.greeting, setting);
    while (!end) {
      const line = await channel.reader.line();
      if (line === undefined) {
        noteGarbage(channel.reader.detach().toString('latin1'), setting);
        return { by: 'sender', how: tlsEnd };
      }
      const verb = verbOf(line);
      if (verb === undefined) {
        noteGarbage(line, setting);
        end = await answer(channel, 'garbage', ['500 5.5.2 unrecognised'], undefined, setting);
        continue;
      }
      record({
        kind: 'smtp-command',
        connection,
        mx,
        verb,
        line: line.slice(0, EXCERPT_CHARS),
        secure: channel.secure,
        authenticated: channel.authenticated,
        early: channel.early,
      });
      const dialogue = (channel.secure ? plan.afterTls : plan.beforeTls) ?? {};
      if (verb === 'STARTTLS') {
        const started = await starttls(channel, plan, setting, (error) => {
          tlsEnd = error;
        });
        if (started !== 'goes-on') return started;
        continue;
      }
      const planned = dialogue.replies?.[verb];
      const said = [planned?.text ?? []].flat();
      // What the plan refuses the honest exchanger never hears of; what it grants must be true
      // there as well.
      const reaches = said.length === 0 || said[0]!.startsWith(verb === 'DATA' ? '354' : '2');
      const reply = reaches ? await ask(upstream, honest, line) : said;
      if (reply.length === 0) return await hangUp(channel, verb, setting);
      const capabilities = verb === 'EHLO' && said.length === 0;
      const honestReply = capabilities ? editEhlo(reply, channel.secure) : reply;
      const edited =
        capabilities && dialogue.ehlo ? editEhlo(reply, channel.secure, dialogue.ehlo) : undefined;
      end = await answer(channel, verb, honestReply, planned, setting, edited);
      if (!end && verb === 'DATA' && (said[0] ?? reply[0])!.startsWith('354')) {
        end = await takeContent(
          channel,
          upstream,
          honest,
          reply[0]!.startsWith('354'),
          dialogue,
          setting,
        );
      }
      if (!end && verb === 'QUIT') {
        channel.stream.end();
        return { by: 'sender', how: 'after QUIT' };
      }
    }
    return end;
  } finally {
    release();
    // Nobody listens any more, but that the sender goes has to be seen.
    channel.reader.detach();
    channel.stream.resume();
  }
}

/** RFC 3207 §4: the reply to STARTTLS and what follows it. */
async function starttls(
  channel: Channel,
  plan: MxPlan,
  setting: PathSetting,
  onTlsEnd: (how: string) => void,
): Promise<End | 'goes-on'> {
  const { mx, connection, record } = setting;
  if (channel.secure)
    return (
      (await answer(channel, 'STARTTLS', ['503 5.5.1 TLS already active'], undefined, setting)) ??
      'goes-on'
    );
  const how: StarttlsPlan = plan.starttls ?? {};
  const honest = ['220 2.0.0 Ready to start TLS'];
  const reply = how.reply?.text === undefined ? honest : [how.reply.text].flat();
  const inject = how.inject ?? [];
  if (
    !reply[0]?.startsWith('220') ||
    how.then === 'plaintext' ||
    (how.reply?.then ?? 'continue') !== 'continue'
  ) {
    const planned: ReplyPlan = { ...how.reply, text: reply };
    return (
      (await answer(channel, 'STARTTLS', honest, planned, setting, [...reply, ...inject])) ??
      'goes-on'
    );
  }
  if (how.reply?.delayMs) await delay(how.reply.delayMs, channel.stream);
  // What the sender sent behind STARTTLS without waiting is no part of the TLS stream (RFC 3207
  // §4.2), but it is evidence.
  for (const line of channel.reader.detach().toString('latin1').split('\r\n')) {
    const verb = verbOf(line);
    if (verb)
      record({
        kind: 'smtp-command',
        connection,
        mx,
        verb,
        line: line.slice(0, EXCERPT_CHARS),
        secure: false,
        authenticated: false,
        early: true,
      });
    else noteGarbage(line, setting);
  }
  record({
    kind: 'smtp-reply',
    connection,
    mx,
    to: 'STARTTLS',
    reply: reply.join('\n'),
    changed: reply !== honest || inject.length > 0,
  });
  // One write: the injected lines have to be in the segment of the 220.
  channel.socket.write([...reply, ...inject].map((line) => `${line}\r\n`).join(''), 'latin1');
  const host: TlsHost = { host: mx, service: 'mx', plan: plan.tls ?? {}, others: setting.others };
  const accepted = await setting.tls.accept(channel.socket, host, connection, record);
  const { handshake = 'complete' } = plan.tls ?? {};
  if (!accepted)
    return {
      by: handshake === 'complete' || handshake === 'stall' ? 'sender' : 'path',
      how: 'handshake failed',
    };
  accepted.socket.on('error', (error) => onTlsEnd(nameOfTlsError(error)));
  channel.stream = accepted.socket;
  channel.reader = readLines(accepted.socket);
  channel.secure = true;
  channel.authenticated = accepted.authenticated;
  channel.early = false;
  return 'goes-on';
}

/** RFC 5321 §4.1.1.4: the content up to the lone dot, recorded before anybody answers it. */
async function takeContent(
  channel: Channel,
  upstream: net.Socket,
  honest: LineReader,
  awaited: boolean,
  dialogue: DialoguePlan,
  setting: PathSetting,
): Promise<End | undefined> {
  const { mx, connection, record } = setting;
  const planned = dialogue.replies?.['.'];
  const said = [planned?.text ?? []].flat();
  channel.swallowing = said.length > 0 && !said[0]!.startsWith('2');
  const content = await channel.reader.content(CONTENT_KEPT_CHARS, (text) =>
    awaited ? write(upstream, text) : undefined,
  );
  if (content.bytes > 0) {
    record({
      kind: 'smtp-data',
      connection,
      mx,
      secure: channel.secure,
      authenticated: channel.authenticated,
      bytes: content.bytes,
      tokens: tokensIn(content.text),
      excerpt: content.text.slice(0, EXCERPT_CHARS),
    });
  }
  if (!content.whole) return { by: 'sender', how: 'in the middle of DATA' };
  const reply = awaited ? await readReply(honest) : ['503 5.5.1 no recipient'];
  channel.swallowing = false;
  return reply.length === 0
    ? hangUp(channel, '.', setting)
    : answer(channel, '.', reply, planned, setting);
}

async function ask(upstream: net.Socket, honest: LineReader, line: string): Promise<string[]> {
  await write(upstream, `${line}\r\n`);
  return readReply(honest);
}

/** The lines of one reply (RFC 5321 §4.2.1); none when the exchanger has gone. */
async function readReply(reader: LineReader): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await reader.line();
    if (line === undefined) return lines;
    lines.push(line);
    if (line[3] !== '-') return lines;
  }
}

/** RFC 5321 §3.8: a server that has to close the connection says 421 first. */
async function hangUp(channel: Channel, to: string, setting: PathSetting): Promise<End> {
  await answer(channel, to, ['421 4.3.0 the exchanger has gone'], undefined, setting);
  channel.stream.end();
  return { by: 'path', how: 'the exchanger has gone' };
}

/** Sends a reply as planned; resolves to an End when the plan ends the connection with it. */
async function answer(
  channel: Channel,
  to: string,
  honest: readonly string[],
  planned: ReplyPlan | undefined,
  setting: PathSetting,
  edited?: readonly string[],
): Promise<End | undefined> {
  const { mx, connection, record } = setting;
  const lines = edited ?? (planned?.text !== undefined ? [planned.text].flat() : honest);
  if (planned?.delayMs) await delay(planned.delayMs, channel.stream);
  const then = planned?.then ?? 'continue';
  const silent = then !== 'continue' && planned?.text === undefined;
  channel.early = channel.reader.hasMore;
  if (!silent) {
    const reply = lines.join('\n');
    record({ kind: 'smtp-reply', connection, mx, to, reply, changed: reply !== honest.join('\n') });
    await write(channel.stream, lines.map((line) => `${line}\r\n`).join(''));
  }
  if (then === 'close') channel.stream.end();
  if (then === 'reset') reset(channel.socket, channel.stream);
  return then === 'continue' ? undefined : { by: then === 'stall' ? 'sender' : 'path', how: then };
}

/**
 * The honest EHLO reply plus STARTTLS where TLS is still to come, then the plan's edits (RFC 3207
 * §4, §4.2).
 */
function editEhlo(honest: readonly string[], secure: boolean, edit: EhloPlan = {}): string[] {
  const [first, ...lines] = honest.map((line) => line.slice(4));
  if (first === undefined || !honest[0]?.startsWith('250')) return [...honest];
  const offered = secure ? lines : [...lines, 'STARTTLS'];
  const keyword = (line: string) => line.split(' ')[0]!.toUpperCase();
  const removed = new Set((edit.remove ?? []).map((word) => word.toUpperCase()));
  const kept = offered
    .filter((line) => !removed.has(keyword(line)))
    .map((line) => edit.overwrite?.[keyword(line)] ?? line);
  const all = [first, ...kept, ...(edit.add ?? [])];
  return all.map((line, i) => `250${i === all.length - 1 ? ' ' : '-'}${line}`);
}

/** A command starts with a word; anything else is no SMTP (a ClientHello, say). */
function verbOf(line: string): string | undefined {
  return /^([A-Za-z]{3,10})(?:[ \t:]|$)/.exec(line)?.[1]?.toUpperCase();
}

function noteGarbage(text: string, { connection, mx, record }: PathSetting): void {
  if (text !== '' && verbOf(text) === undefined)
    record({ kind: 'smtp-garbage', connection, mx, excerpt: JSON.stringify(text.slice(0, 80)) });
}

/**
 * Resolves when there is room for more, so that nothing piles up for one who does not read; or when
 * the stream is gone.
 */
async function write(stream: Duplex, text: string): Promise<void> {
  if (stream.writable && !stream.write(text, 'latin1')) await oneOf(stream, 'drain', 'close');
}

function oneOf(stream: Duplex, ...events: string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) stream.removeListener(event, done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
  });
}

/** Resolves after `ms`, or when the stream is gone. */
async function delay(ms: number, stream: Duplex): Promise<void> {
  const gone = new AbortController();
  const abort = () => gone.abort();
  stream.once('close', abort);
  await wait(stream.destroyed ? 0 : ms, undefined, { signal: gone.signal }).catch(() => {});
  stream.removeListener('close', abort);
}
