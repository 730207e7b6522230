/**
 * An SMTP client session (RFC 5321) that can turn to TLS (RFC 3207). It sends one command at a time
 * and waits for the reply.
 *
 * Everything the server says is hostile until a caller has checked its certificate, and no less
 * afterwards.
 */

import type net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type tls from 'node:tls';
import { within } from '../../concurrency/wait.ts';
import { createReplyReader, parseEhlo, type Reply } from '../../protocol/smtp.ts';
import { in7Bit, type Mail } from './mail.ts';
import { type HandshakeOptions, handshake } from './network.ts';
import { outlived } from './outliving-fault.ts';
import type { Timeouts } from './setting.ts';
import type { Is } from './traits.ts';

export interface SmtpSession {
  /** Whether the server's last EHLO reply offers this extension. */
  offers(keyword: string): boolean;
  /** EHLO was taken; false: HELO was. */
  readonly isExtended: boolean;
  /** Faults: HELO was said, although EHLO was not refused for good. */
  readonly isUnasked: boolean;
  /** EHLO, or HELO where EHLO is not understood. */
  hello(): Promise<void>;
  command(line: string): Promise<Reply>;
  starttls(): Promise<Reply>;
  /** To be called after a 220 to STARTTLS. The certificate is not judged here. */
  startTls(options: HandshakeOptions): Promise<tls.TLSSocket>;
  /** For faults: the socket, after a 220 to STARTTLS, for something that is not this client. */
  handOver(): net.Socket;
  /** Throws SmtpRefusal. */
  send(mail: Mail): Promise<Reply>;
  /** After a failed handshake: whether the connection can be spoken on in clear. */
  resumeClear(): boolean;
  /** Says QUIT and closes, in the background. */
  quit(): void;
}

export interface SmtpOptions {
  /** What the client calls itself. */
  readonly name: string;
  readonly timeouts: Timeouts;
  readonly is: Is;
  /** A fault: HELO, and no EHLO before. */
  readonly saysHelo?: boolean;
}

/** The server refused the mail; `permanent` for a 5yz reply (RFC 5321 §4.2.1). */
export class SmtpRefusal extends Error {
  readonly permanent: boolean;
  /** 421: the server closes the connection (§3.8). */
  readonly isClosing: boolean;
  constructor(what: string, { code, lines }: Reply) {
    super(`${code} to ${what}: ${lines.join(' ')}`);
    this.permanent = code >= 500;
    this.isClosing = code === 421;
  }
}

/**
 * Waits for the greeting and says EHLO. Rejects, and closes the socket, when the server does not go
 * along.
 */
export async function openSmtp(socket: net.Socket, options: SmtpOptions): Promise<SmtpSession> {
  const session = createSession(socket, options);
  try {
    await session.greeting();
    await session.hello();
    return session;
  } catch (error) {
    session.quit();
    throw error;
  }
}

const SLOWNESS_MS = 300;

function createSession(
  socket: net.Socket,
  { name, timeouts, is, saysHelo = false }: SmtpOptions,
): SmtpSession & { greeting(): Promise<void> } {
  let stream = socket;
  let reader = createReplyReader();
  let replies: Reply[] = [];
  let extensions = new Map<string, string>();
  let isExtended = true;
  let isUnasked = saysHelo;
  let inTls = false;
  let ended = false;
  let lost = false;
  let wake = () => {};

  const onData = (bytes: Buffer) => {
    // RFC 5321 §4.2.1: a reply ends with its last line, however many segments it takes.
    if (is('takes-a-segment-for-a-reply')) reader = createReplyReader();
    const text = bytes.toString('latin1');
    replies.push(
      ...reader.push(
        is('takes-a-line-for-a-reply') ? text.replace(/^(\d{3})-(?=\d\.)/gm, '$1 ') : text,
      ),
    );
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  const listen = () => stream.on('data', onData).on('end', onEnd).on('close', onEnd);
  listen();

  function nextReply(to: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const over = (settle: () => void) => {
        clearTimeout(timer);
        wake = () => {};
        settle();
      };
      const fail = (why: string) => {
        lost = true;
        over(() => reject(new Error(why)));
      };
      const timer = setTimeout(
        () => fail(`no reply to ${to} within ${timeouts.replyMs} ms`),
        timeouts.replyMs,
      );
      wake = () => {
        const reply = replies.shift();
        // RFC 5321 §4.2: any text is acceptable, and none too.
        if (reply?.lines.at(-1) === '' && is('wants-text-in-replies'))
          fail(`the reply to ${to} is a bare code`);
        else if (reply) over(() => resolve(reply));
        else if (reader.violation())
          fail(`the reply to ${to} is no SMTP: ${reader.violation()!.message}`);
        else if (ended) fail(`the server closed the connection instead of replying to ${to}`);
      };
      wake();
    });
  }

  async function command(line: string): Promise<Reply> {
    if (is('slow')) await wait(SLOWNESS_MS);
    stream.write(`${line}\r\n`);
    return nextReply(line);
  }

  async function hello(): Promise<void> {
    if (inTls && is('says-helo-inside-tls')) return void (await command(`HELO ${name}`));
    const asks = `${isUnasked ? 'HELO' : 'EHLO'} ${name}`;
    const reply = await command(asks).catch((error: unknown) => {
      // RFC 5321 §4.2: what is no reply is not a refusal of EHLO.
      if (!reader.violation() || !is('plaintext-after-garbled-ehlo')) throw error;
      reader = createReplyReader();
      lost = false;
      return { code: 500, lines: [''] };
    });
    // RFC 3207 §4.2: nothing that was said before TLS counts inside; each EHLO reply replaces the
    // one before.
    extensions = is('keeps-pre-tls-capabilities')
      ? new Map([...parseEhlo(heard(reply, is)), ...extensions])
      : parseEhlo(heard(reply, is));
    // RFC 5321 §3.2: a server that does not know EHLO gets HELO.
    const isDeferred = is('helo-after-4yz-to-ehlo') && !inTls && Math.trunc(reply.code / 100) === 4;
    isExtended = !isUnasked && !isDeferred && reply.code < 500;
    const agreed =
      isExtended || isUnasked || is('gives-up-without-ehlo')
        ? reply
        : await command(`HELO ${name}`);
    isUnasked ||= isDeferred;
    // Not a refusal of the mail: 5yz here has anybody on the path to say it.
    if (agreed.code !== 250) throw new Error(`${agreed.code} to EHLO: ${agreed.lines.join(' ')}`);
    // RFC 3207 §4.2: what TLS runs over is not offered again.
    if (inTls && extensions.has('STARTTLS') && is('says-starttls-twice')) await command('STARTTLS');
  }

  /** MAIL, RCPT and DATA, one by one or together (RFC 2920). */
  async function envelope(
    lines: readonly (readonly [string, string, ...number[]])[],
  ): Promise<void> {
    const together = is('pipelines') && extensions.has('PIPELINING');
    if (together) {
      if (is('slow')) await wait(SLOWNESS_MS);
      stream.write(lines.map(([, line]) => `${line}\r\n`).join(''));
    }
    for (const [what, line, ...codes] of lines) {
      const reply = together ? await nextReply(line) : await command(line);
      expect(what, asRead(reply), ...codes);
    }
  }

  /** RFC 5321 §4.2: the code decides, and no word of the text. */
  function asRead(reply: Reply): Reply {
    const enhanced = /^([245])\.\d+\.\d+ /.exec(reply.lines[0]!)?.[1];
    if (enhanced === undefined || !is('goes-by-enhanced-codes')) return reply;
    return { ...reply, code: Number(`${enhanced}${String(reply.code).slice(1)}`) };
  }

  return {
    offers: (keyword) => extensions.has(keyword),
    get isExtended() {
      return isExtended;
    },
    get isUnasked() {
      return isUnasked;
    },
    hello,
    command,
    async starttls() {
      // RFC 3207 §4: no parameters, and nothing behind it.
      if (is('starttls-with-a-parameter')) return command('STARTTLS now');
      if (is('pipelines-behind-starttls')) {
        stream.write('STARTTLS\r\nNOOP\r\n');
        return nextReply('STARTTLS');
      }
      return command('STARTTLS');
    },
    async greeting() {
      const { code, lines } = await nextReply('the connection');
      // RFC 5321 §4.2: the text of a greeting says nothing of EHLO.
      if (is('helo-without-esmtp') && !lines.join(' ').includes('ESMTP')) isUnasked = true;
      if (code !== 220) throw new Error(`greeted with ${code} ${lines.join(' ')}`);
    },
    handOver() {
      stream.off('data', onData).off('end', onEnd).off('close', onEnd);
      return stream;
    },
    async startTls(options) {
      // RFC 3207 §4: a handshake is next, and nothing else.
      if (is('speaks-before-the-handshake')) stream.write('NOOP\r\n');
      stream.off('data', onData).off('end', onEnd).off('close', onEnd);
      // RFC 3207 §6: bytes that came in clear behind the 220 are no replies.
      if (!is('keeps-pre-tls-replies')) {
        replies = [];
        if (!is('keeps-half-a-reply')) reader = createReplyReader();
      }
      try {
        const secured = await within(timeouts.handshakeMs, 'the TLS handshake', (signal) =>
          handshake(
            is('goes-on-after-failed-handshake') ? outlived(stream) : stream,
            options,
            signal,
          ),
        );
        stream = secured;
        inTls = true;
        listen();
        return secured;
      } catch (error) {
        // RFC 3207 §4: what is left of a failed handshake is no SMTP.
        if (!is('goes-on-after-failed-handshake')) stream.destroy();
        throw error;
      }
    },
    resumeClear() {
      if (stream.destroyed || !stream.writable) return false;
      reader = createReplyReader();
      replies = [];
      listen();
      return true;
    },
    async send(mail) {
      const { from, to, body, smtputf8, requiretls } = mail;
      // RFC 6152 §3, RFC 6531 §3.1: what the server does not offer is not used.
      const is8bit = body === '8BITMIME' && extensions.has('8BITMIME');
      const data = body === '8BITMIME' && !is8bit ? in7Bit(mail.data) : mail.data;
      if (smtputf8 && !extensions.has('SMTPUTF8'))
        throw new SmtpRefusal('MAIL', { code: 550, lines: ['the server takes no SMTPUTF8'] });
      // RFC 1870 §5: a message longer than the server takes is not sent.
      const limit = Number(extensions.get('SIZE') ?? 0);
      const size = Buffer.byteLength(data);
      if (limit > 0 && size > limit)
        throw new SmtpRefusal('MAIL', {
          code: 552,
          lines: [`${size} bytes, and the server takes ${limit}`],
        });
      // RFC 1870 §6: the size is declared where the server knows the parameter.
      const parameters = [
        ...(extensions.has('SIZE') ? [`SIZE=${size}`] : []),
        ...(is8bit ? ['BODY=8BITMIME'] : []),
        ...(smtputf8 ? ['SMTPUTF8'] : []),
        // RFC 8689 §4.2.1. A bounce goes without where it is not offered (§5).
        ...(requiretls && extensions.has('REQUIRETLS') && !is('omits-requiretls')
          ? ['REQUIRETLS']
          : []),
      ];
      await envelope([
        ['MAIL', [`MAIL FROM:<${from}>`, ...parameters].join(' '), 250],
        ['RCPT', `RCPT TO:<${to}>`, 250, 251],
        ['DATA', 'DATA', 354],
      ]);
      if (is('slow')) await wait(SLOWNESS_MS);
      stream.write(`${stuffed(data)}.\r\n`);
      // RFC 5321 §4.2.5: until the 250 is there, the sender answers for the message.
      if (is('takes-sent-for-delivered')) return { code: 250, lines: ['sent'] };
      const accepted = await nextReply('the content');
      expect('the content', asRead(accepted), 250);
      return accepted;
    },
    quit() {
      // Where no reply came to the last command, none will come to QUIT.
      if (lost) stream.destroy();
      if (stream.destroyed) return;
      const close = () => stream.destroySoon();
      // RFC 5321 §4.1.1.10: QUIT, and wait for the reply, whatever it is.
      if (is('never-says-quit')) return void close();
      command('QUIT').then(close, close);
    },
  };
}

/** RFC 5321 §4.1.1.1: every line of an EHLO reply counts, and keywords have no letter case. */
function heard(reply: Reply, is: Is): Reply {
  const [greeting = '', ...lines] = reply.lines;
  const read = lines
    .slice(0, is('reads-few-ehlo-lines') ? 9 : undefined)
    .filter((line) => !is('keywords-in-capitals-only') || !/^\S*[a-z]/.test(line));
  return { ...reply, lines: [greeting, ...read] };
}

/** Throws unless the reply has one of these codes. */
function expect(what: string, reply: Reply, ...codes: readonly number[]): void {
  if (!codes.includes(reply.code)) throw new SmtpRefusal(what, reply);
}

/** RFC 5321 §4.5.2: a line that begins with a dot gets one more; and the last line ends. */
function stuffed(data: string): string {
  const whole = data.endsWith('\r\n') ? data : `${data}\r\n`;
  return whole.replace(/(^|\r\n)\./g, '$1..');
}
