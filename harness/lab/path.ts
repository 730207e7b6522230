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
import { BODY_MARK, SUBJECT_MARK, tokensIn } from '../model/message.ts';
import { CLOSED_WHILE_IDLE, CUT_FOR_SILENCE, type Event } from '../model/observation.ts';
import type { DialoguePlan, EhloPlan, MxPlan, ReplyPlan } from '../model/plan.ts';
import { mxOnConnection } from '../model/plan-changes.ts';
import { beginningOf, isEndless, sendBytes, waitOn, withMore, write } from './bytes.ts';
import type { ArrivedMail, OnMail } from './honest-mx.ts';
import { type LineReader, readLines } from './lines.ts';
import { nameOfTlsError, reset, type TlsAcceptor, type TlsHost } from './tls.ts';

export interface PathSetting {
  /** The MX that the sender takes it for. */
  readonly mx: string;
  /** Its key in the plan, where that is another. */
  readonly host?: string;
  readonly address: string;
  readonly nth: number;
  readonly connection: string;
  readonly plan: MxPlan;
  readonly others: TlsHost['others'];
  readonly isUnderDane: boolean;
  /** A connection to the honest exchanger; mail that arrives on it is told of. */
  dial(onMail: OnMail): Duplex;
  readonly tls: TlsAcceptor;
  /** Told of mail that the sender was not given, before it is answered. */
  onOtherMail(mail: OtherMail): Promise<void>;
  /** Told of a dialogue that has begun, and given back when it is over. */
  onIdle(rest: Rest): () => void;
  /** Nothing is under way on the connection any more. */
  onRest(): void;
  /** The honest exchanger has answered so many milliseconds after it was asked. */
  answered(ms: number): void;
  record(event: Event): void;
}

/** A report, say. */
export interface OtherMail {
  readonly mx: string;
  readonly secure: boolean;
  readonly mail: ArrivedMail;
  readonly content: Buffer;
}

/** A connection that the sender may keep open for later. */
export interface Rest {
  /** Nothing is under way: the sender was answered, and no transaction is open. */
  isIdle(): boolean;
  /** Closes it as soon as no transaction is open. */
  close(): void;
}

const EXCERPT_CHARS = 400;
const CONTENT_KEPT_CHARS = 256 * 1024;
/** How long `untilSpoken` holds a reply back. */
const LONGEST_HOLD_MS = 3_000;
/** How long the next segment behind the 220 waits for the ClientHello. */
const LONGEST_GAP_MS = 200;

/** Serves one connection of the sender until it ends; never throws at what the sender does. */
export async function servePath(socket: net.Socket, setting: PathSetting): Promise<void> {
  const { mx, host, address, nth, connection, record } = setting;
  const plan = mxOnConnection(setting.plan, nth);
  record({
    kind: 'smtp-connection',
    connection,
    mx,
    ...(host !== undefined && { host }),
    address,
    nth,
    ...(socket.remoteAddress && { peer: socket.remoteAddress }),
  });
  let how = 'closed';
  socket.on('error', (error) => {
    how = nameOfTlsError(error);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (plan.reach === 'reset') socket.resetAndDestroy();
  if (plan.reach === 'silent') socket.resume();
  let end: End = { by: plan.reach === 'reset' ? 'path' : 'sender' };
  let cut = false;
  // Whoever cuts it has heard of the silence before.
  socket.on('timeout', () => {
    cut ||= socket.destroyed;
  });
  if (plan.reach === undefined || plan.reach === 'open') {
    try {
      end = await converse(socket, plan, setting);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      record({ kind: 'lab-fault', detail: `path ${mx}: ${detail}` });
      socket.destroy();
    }
  }
  await closed;
  const over = cut
    ? { by: 'path' as const, how: CUT_FOR_SILENCE }
    : { ...end, how: end.how ?? how };
  record({ kind: 'smtp-closed', connection, mx, ...over });
}

interface End {
  readonly by: 'sender' | 'path';
  readonly how?: string;
  /** The command whose reply was being held back. */
  readonly held?: string;
}

/** A command of the sender's, from its line to the reply; an End where that is the last. */
type Verb = (dialogue: Dialogue, line: string, verb: string) => Promise<End | undefined>;

/** Whatever else the sender says is passed on to the honest exchanger, and its answer back. */
const VERBS: Readonly<Record<string, Verb>> = {
  STARTTLS: startTls,
  DATA: takeData,
  MAIL: takeMail,
  QUIT: async (dialogue, line, verb) => {
    const end = await relay(dialogue, line, verb);
    if (end) return end;
    dialogue.stream.end();
    return { by: 'sender', how: 'after QUIT' };
  },
};

async function converse(socket: net.Socket, plan: MxPlan, setting: PathSetting): Promise<End> {
  const opened = performance.now();
  const dialogue = new Dialogue(socket, plan, setting);
  const unwatch = setting.onIdle({
    isIdle: () => dialogue.isIdle,
    close: () => dialogue.close(),
  });
  try {
    return await speak(dialogue, opened);
  } finally {
    unwatch();
    dialogue.leaveExchanger();
    // Nobody listens any more, but that the sender goes has to be seen.
    dialogue.reader.detach();
    dialogue.stream.resume();
  }
}

async function speak(dialogue: Dialogue, opened: number): Promise<End> {
  const greeting = await dialogue.heardFromExchanger(opened);
  if (greeting.length === 0) return dialogue.hangUp('connect');
  let end = await dialogue.say('connect', greeting, dialogue.plan.greeting);
  while (!end) {
    const line = await dialogue.hear();
    if (line === undefined) return dialogue.gone();
    const verb = verbOf(line);
    if (verb === undefined) dialogue.noteGarbage(line);
    else dialogue.noteCommand(verb, line);
    // What crosses our good-bye is evidence, and is not answered.
    if (dialogue.isClosed) continue;
    if (verb !== undefined) end = await (VERBS[verb] ?? relay)(dialogue, line, verb);
    // Nobody waits for the answer to an alert: it would be taken for that to the next command.
    else if (!TLS_ALERT.test(line)) end = await dialogue.say('garbage', ['500 5.5.2 unrecognised']);
  }
  return end;
}

/** What the path knows of a connection, and how it speaks on it. */
class Dialogue {
  readonly plan: MxPlan;
  readonly setting: PathSetting;
  readonly socket: net.Socket;
  /** The connection, or TLS on it. */
  stream: Duplex;
  reader: LineReader;
  secure = false;
  authenticated = false;
  /** What the honest exchanger takes now, the sender is told is refused. */
  swallowing = false;
  #upstream: Duplex;
  #exchanger: LineReader;
  /** More was there before the last reply went out. */
  #early = false;
  #held: string | undefined;
  #isListening = false;
  #inTransaction = false;
  #tlsEnd: string | undefined;
  #isClosing = false;
  #closedIdle = false;
  #hasServed = false;

  constructor(socket: net.Socket, plan: MxPlan, setting: PathSetting) {
    this.socket = socket;
    this.plan = plan;
    this.setting = setting;
    this.stream = socket;
    this.reader = readLines(socket);
    this.#upstream = setting.dial((mail, content) => this.#arrived(mail, content));
    this.#exchanger = readLines(this.#upstream);
  }

  /** The plan of this part of the dialogue: before TLS, or within. */
  get part(): DialoguePlan {
    return (this.secure ? this.plan.afterTls : this.plan.beforeTls) ?? {};
  }

  get #where() {
    const { connection, mx } = this.setting;
    return { connection, mx };
  }

  get channel() {
    return { secure: this.secure, authenticated: this.authenticated };
  }

  // ---- the sender's side ----

  /** The next line of the sender; undefined: it has gone. */
  async hear(): Promise<string | undefined> {
    this.#isListening = true;
    if (this.#isClosing && !this.#inTransaction) this.#closeIdle();
    if (this.isIdle) this.setting.onRest();
    const line = await this.reader.line();
    this.#isListening = false;
    return line;
  }

  /** Sends a reply as planned. Gives an End when the plan ends the connection with it. */
  async say(
    to: string,
    honest: readonly string[],
    planned: ReplyPlan = {},
    edited?: readonly string[],
  ): Promise<End | undefined> {
    const { bytes, pace, delayMs, untilSpoken, then = 'continue' } = planned;
    const said = saidBy(planned);
    const lines = edited ?? said ?? honest;
    if (delayMs) await waitOn(this.stream, delayMs);
    if (untilSpoken) {
      this.#held = to;
      await this.reader.more(LONGEST_HOLD_MS);
      if (!this.reader.hasEnded) this.#held = undefined;
    }
    this.#early = this.reader.hasMore;
    if (then === 'continue' || said !== undefined) {
      const reply = lines.join('\n');
      this.noteReply(to, reply, reply !== honest.join('\n'));
      await sendBytes(this.stream, bytes ?? asLines(lines), pace);
      if (bytes !== undefined && isEndless(bytes)) {
        this.stream.destroy();
        return { by: 'path', how: 'said without end' };
      }
    }
    if (then === 'close') this.stream.end();
    if (then === 'reset') reset(this.socket, this.stream);
    if (then === 'continue') return undefined;
    return { by: then === 'stall' ? 'sender' : 'path', how: then };
  }

  /** RFC 5321 §3.8: a server that has to close the connection says 421 first. */
  async hangUp(to: string): Promise<End> {
    await this.say(to, ['421 4.3.0 the exchanger has gone']);
    this.stream.end();
    return { by: 'path', how: 'the exchanger has gone' };
  }

  /** What is left to tell when the sender has gone. */
  gone(): End {
    this.noteGarbage(this.reader.detach().toString('latin1'));
    if (this.#closedIdle) return { by: 'path', how: CLOSED_WHILE_IDLE };
    return {
      by: 'sender',
      how: this.#tlsEnd,
      ...(this.#held !== undefined && { held: this.#held }),
    };
  }

  get isClosed(): boolean {
    return this.#closedIdle;
  }

  /** A sender that keeps a connection for its next message has had one over it. */
  get isIdle(): boolean {
    return this.#isListening && this.#hasServed && !this.#inTransaction && !this.reader.hasMore;
  }

  /**
   * Between two steps of a scenario, so that no connection is carried over: at once, or when what is
   * under way, such as a RSET that has just come, is over.
   */
  close(): void {
    this.#isClosing = true;
    if (this.#isListening && !this.#inTransaction && !this.reader.hasMore) this.#closeIdle();
  }

  /** RFC 5321 §3.8. */
  #closeIdle(): void {
    this.#closedIdle = true;
    const { stream } = this;
    if (stream.writable) stream.end('421 4.4.2 closing an idle connection\r\n');
  }

  /** TLS is up. */
  turnSecure(stream: Duplex, authenticated: boolean): void {
    stream.on('error', (error) => {
      this.#tlsEnd = nameOfTlsError(error);
    });
    this.stream = stream;
    this.reader = readLines(stream);
    this.secure = true;
    this.authenticated = authenticated;
    this.#early = false;
    this.#inTransaction = false;
  }

  /** TLS did not come up, and the sender goes on without. */
  turnClear(bytes: Buffer): void {
    this.socket.unshift(bytes);
    this.stream = this.socket;
    this.reader = readLines(this.socket);
    this.#early = true;
  }

  // ---- the honest exchanger's side ----

  /** The lines of one reply (RFC 5321 §4.2.1); none when the exchanger has gone. */
  async heardFromExchanger(asked = performance.now()): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#exchanger.line();
      if (line === undefined) return lines;
      lines.push(line);
      if (line[3] === '-') continue;
      this.setting.answered(performance.now() - asked);
      return lines;
    }
  }

  passOn(text: string): Promise<void> {
    return write(this.#upstream, text);
  }

  leaveExchanger(): void {
    this.#upstream.destroy();
  }

  #arrived(mail: ArrivedMail, content: Buffer): void | Promise<void> {
    if (this.swallowing) return;
    this.setting.record({ kind: 'message-accepted', ...this.#where, ...this.channel, ...mail });
    if (mail.tokens.length > 0) return;
    const { mx } = this.setting;
    return this.setting.onOtherMail({ mx, secure: this.secure, mail, content });
  }

  // ---- the record ----

  noteCommand(verb: string, line: string, early = this.#early): void {
    this.#inTransaction = verb === 'MAIL' || (this.#inTransaction && !ENDS.includes(verb));
    this.#noteStray(line);
    const text = line.slice(0, EXCERPT_CHARS);
    this.setting.record({
      kind: 'smtp-command',
      ...this.#where,
      verb,
      line: text,
      ...this.channel,
      early,
    });
  }

  noteReply(to: string, reply: string, changed: boolean): void {
    // A sender may rest in a transaction that came to nothing, until it has another message.
    if (TRANSACTS.includes(to)) this.#inTransaction = !/^[45]/.test(reply);
    if (TRANSACTS.includes(to) && !this.#inTransaction) this.#hasServed = true;
    this.setting.record({ kind: 'smtp-reply', ...this.#where, to, reply, changed });
  }

  noteContent(bytes: number, text: string): void {
    this.#inTransaction = false;
    this.#hasServed = true;
    if (bytes > 0) this.#recordContent(bytes, text);
  }

  /** Content that nobody has asked for with 354, or in another form (RFC 3030), comes as lines. */
  #noteStray(line: string): void {
    if (line.includes(BODY_MARK) || line.includes(SUBJECT_MARK))
      this.#recordContent(line.length, line);
  }

  #recordContent(bytes: number, text: string): void {
    const quotes = text.includes(BODY_MARK)
      ? 'body'
      : text.includes(SUBJECT_MARK)
        ? 'header'
        : undefined;
    this.setting.record({
      kind: 'smtp-data',
      ...this.#where,
      ...this.channel,
      bytes,
      tokens: tokensIn(text),
      excerpt: text.slice(0, EXCERPT_CHARS),
      ...(quotes && { quotes }),
    });
  }

  noteGarbage(text: string): void {
    this.#noteStray(text);
    if (text === '' || verbOf(text) !== undefined) return;
    const excerpt = JSON.stringify(text.slice(0, 80));
    this.setting.record({ kind: 'smtp-garbage', ...this.#where, excerpt });
  }
}

/** After these no transaction is under way (RFC 5321 §4.1.4). */
const ENDS: readonly string[] = ['RSET', 'EHLO', 'HELO', 'QUIT'];
const TRANSACTS: readonly string[] = ['MAIL', 'RCPT', 'DATA'];

// ---- commands ----

/**
 * The honest exchanger is asked, unless the plan refuses; what the plan grants must be true there.
 */
async function relay(dialogue: Dialogue, line: string, verb: string): Promise<End | undefined> {
  return (await relayed(dialogue, line, verb)).end;
}

/** `honest`: what the exchanger said, if it was asked; else what the plan says. */
async function relayed(
  dialogue: Dialogue,
  line: string,
  verb: string,
): Promise<{ readonly end?: End; readonly honest: readonly string[]; readonly said: string[] }> {
  const { replies, ehlo } = dialogue.part;
  const planned = replies?.[verb];
  const said = [...(saidBy(planned) ?? [])];
  const isPassedOn = said.length === 0 || said[0]!.startsWith(verb === 'DATA' ? '354' : '2');
  let honest: readonly string[] = said;
  if (isPassedOn) {
    await dialogue.passOn(`${line}\r\n`);
    honest = await dialogue.heardFromExchanger();
  }
  if (honest.length === 0) return { end: await dialogue.hangUp(verb), honest, said };
  if (verb === 'EHLO' && said.length === 0) {
    const offered = editEhlo(honest, dialogue);
    const edited = ehlo && editEhlo(honest, dialogue, ehlo);
    return { end: await dialogue.say(verb, offered, planned, edited), honest, said };
  }
  return { end: await dialogue.say(verb, honest, planned), honest, said };
}

/**
 * RFC 8689 §2: a host that does REQUIRETLS takes the parameter; whoever strips TLS in front of one
 * does so in clear as well. The exchanger behind knows nothing of TLS, and is not told.
 */
async function takeMail(dialogue: Dialogue, line: string, verb: string): Promise<End | undefined> {
  const plain = line.replace(/ +REQUIRETLS(?= |$)/i, '');
  if (plain !== line && !dialogue.plan.requiretls)
    return dialogue.say(verb, ['555 5.5.4 REQUIRETLS is not known here']);
  return relay(dialogue, plain, verb);
}

/** RFC 5321 §4.1.1.4: the content up to the lone dot, recorded before anybody answers it. */
async function takeData(dialogue: Dialogue, line: string, verb: string): Promise<End | undefined> {
  const { end, honest, said } = await relayed(dialogue, line, verb);
  if (end || !(said[0] ?? honest[0])!.startsWith('354')) return end;
  const isAwaited = honest[0]!.startsWith('354');
  const { replies, cutContentAfter = Number.POSITIVE_INFINITY } = dialogue.part;
  const planned = replies?.['.'];
  const answer = saidBy(planned);
  dialogue.swallowing = answer !== undefined && !answer[0]!.startsWith('2');
  let room = cutContentAfter;
  const content = await dialogue.reader.content(CONTENT_KEPT_CHARS, (text) => {
    const passing = text.slice(0, room);
    room -= passing.length;
    if (room === 0) reset(dialogue.socket, dialogue.stream);
    return isAwaited ? dialogue.passOn(passing) : undefined;
  });
  dialogue.noteContent(content.bytes, content.text);
  if (room === 0) return { by: 'path', how: 'reset in the middle of DATA' };
  if (!content.whole) return { by: 'sender', how: 'in the middle of DATA' };
  const reply = isAwaited ? await dialogue.heardFromExchanger() : ['503 5.5.1 no recipient'];
  dialogue.swallowing = false;
  return reply.length === 0 ? dialogue.hangUp('.') : dialogue.say('.', reply, planned);
}

/** The sender has said something, or keeps waiting for more. */
async function untilHeard(socket: net.Socket): Promise<void> {
  const reader = readLines(socket);
  await reader.more(LONGEST_GAP_MS);
  const heard = reader.detach();
  if (heard.length > 0 && !socket.readableEnded) socket.unshift(heard);
}

const READY = ['220 2.0.0 Ready to start TLS'];

/** RFC 3207 §4: the reply to STARTTLS and what follows it. */
async function startTls(dialogue: Dialogue): Promise<End | undefined> {
  const { plan, setting, socket } = dialogue;
  if (dialogue.secure) return dialogue.say('STARTTLS', ['503 5.5.1 TLS already active']);
  const { reply: planned = {}, inject = [], then } = plan.starttls ?? {};
  const reply = saidBy(planned) ?? READY;
  const isPlain = then === 'plaintext' || (planned.then ?? 'continue') !== 'continue';
  // RFC 3207 §4: what has no text is done instead of the reply.
  if (then === undefined && isPlain && saidBy(planned) === undefined)
    return dialogue.say('STARTTLS', READY, planned);
  const bytes = withMore(planned.bytes ?? asLines(reply), asLines(inject));
  if (!reply[0]?.startsWith('220') || isPlain)
    return dialogue.say('STARTTLS', READY, { ...planned, bytes }, [...reply, ...inject]);

  if (planned.delayMs) await waitOn(dialogue.stream, planned.delayMs);
  // What came behind STARTTLS without waiting is no part of TLS (RFC 3207 §4.2), but evidence.
  for (const line of dialogue.reader.detach().toString('latin1').split('\r\n')) {
    const verb = verbOf(line);
    if (verb) dialogue.noteCommand(verb, line, true);
    else dialogue.noteGarbage(line);
  }
  dialogue.noteReply('STARTTLS', reply.join('\n'), reply !== READY || inject.length > 0);
  // The injected lines have to be in the segment of the 220; what comes in another must not be read
  // with it, and so waits for the ClientHello.
  await sendBytes(socket, bytes, planned.pace, () => untilHeard(socket));
  const host: TlsHost = {
    host: setting.mx,
    service: 'mx',
    plan: plan.tls ?? {},
    others: setting.others,
    isUnderDane: setting.isUnderDane,
  };
  const accepted = await setting.tls.accept(socket, host, setting.connection, setting.record);
  switch (accepted.kind) {
    case 'tls':
      dialogue.turnSecure(accepted.socket, accepted.authenticated);
      return undefined;
    case 'clear':
      dialogue.turnClear(accepted.bytes);
      return undefined;
    case 'over': {
      const { flight, handshake = flight?.then ?? 'complete' } = plan.tls ?? {};
      const isOurs = handshake === 'close' || handshake === 'reset';
      return { by: isOurs ? 'path' : 'sender', how: 'handshake failed' };
    }
  }
}

/**
 * The honest EHLO reply, plus STARTTLS where TLS is still to come or REQUIRETLS inside it, then the
 * plan's edits (RFC 3207 §4, §4.2, RFC 8689 §2).
 */
function editEhlo(
  honest: readonly string[],
  { secure, plan: { requiretls = false } }: Dialogue,
  edit: EhloPlan = {},
): string[] {
  const [first, ...lines] = honest.map((line) => line.slice(4));
  if (first === undefined || !honest[0]?.startsWith('250')) return [...honest];
  const offered = secure
    ? [...lines, ...(requiretls ? ['REQUIRETLS'] : [])]
    : [...lines, 'STARTTLS'];
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

/** RFC 8446 §5.1: type 21. */
const TLS_ALERT = /^\x15\x03/;

const asLines = (lines: readonly string[]) => lines.map((line) => `${line}\r\n`).join('');

/** What the plan says instead of the honest reply; undefined: nothing. */
function saidBy({ text, bytes }: ReplyPlan = {}): readonly string[] | undefined {
  if (bytes !== undefined) return [beginningOf(bytes, EXCERPT_CHARS)];
  return text === undefined ? undefined : [text].flat();
}
