/**
 * The control port: a lab in a container takes plans and gives observations over it. One user, who
 * knows the secret; when that user goes, the lab's work is over.
 */

import { timingSafeEqual } from 'node:crypto';
import net from 'node:net';
import { type LabAccess, UncarriedError } from '../model/sender.ts';
import { type Call, type Calls, type FromLab, onJsonLines, sendJson } from './control-wire.ts';
import type { Lab } from './lab.ts';
import type { World } from './world.ts';

export interface ControlOptions {
  readonly address: string;
  readonly port: number;
  readonly secret: string;
  /** Starts the lab; called once. */
  openLab(network: string): Promise<Lab>;
  readonly mail: Pick<Calls, 'submit' | 'greets'>;
  /** Resolves when the lab cannot go on: its user is hung up on. */
  readonly lost?: Promise<void>;
  /** How long one may take to say the secret; default: 10 s. */
  readonly helloMs?: number;
}

export interface Control {
  /** Resolves when the user has come and gone. */
  readonly over: Promise<void>;
}

/** Of one who has not said the secret yet. */
const LONGEST_HELLO_CHARS = 1024;
const LONGEST_CALL_CHARS = 64 * 1024 * 1024;
const HELLO_MS = 10_000;
const TOGETHER_MS = 5;

/** Listens for the user. Throws when the port cannot be had. */
export async function openControl({
  address,
  port,
  secret,
  openLab,
  mail,
  lost,
  helloMs = HELLO_MS,
}: ControlOptions): Promise<Control> {
  const over = Promise.withResolvers<void>();
  let user: net.Socket | undefined;
  void lost?.then(() => user?.destroy());
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.setTimeout(helloMs, () => socket.destroy());
    let answer: ((call: Call) => void) | undefined;
    onJsonLines(
      socket,
      () => (answer ? LONGEST_CALL_CHARS : LONGEST_HELLO_CHARS),
      (value) => {
        if (answer) return answer(value as Call);
        if (user || !isSecret((value as { secret?: unknown }).secret, secret))
          return socket.destroy();
        user = socket;
        socket.setTimeout(0);
        server.close();
        const { answer: answerUser, dispose } = serve(socket, openLab, mail);
        answer = answerUser;
        socket.once('close', () => void dispose().finally(over.resolve));
      },
    );
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen({ host: address, port }, resolve),
  );
  return { over: over.promise };
}

function isSecret(said: unknown, secret: string): boolean {
  const [a, b] = [Buffer.from(String(said)), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function serve(
  socket: net.Socket,
  openLab: ControlOptions['openLab'],
  mail: ControlOptions['mail'],
) {
  const worlds = new Map<string, World>();
  /**
   * What the lab says within moments goes out together: an event is small, there are many, and each
   * way out wakes four processes.
   */
  const say = (value: FromLab) => {
    if (socket.writableCorked === 0) {
      socket.cork();
      setTimeout(() => socket.uncork(), TOGETHER_MS);
    }
    sendJson(socket, value);
  };
  let opening: Promise<Lab> | undefined;
  let lab: Lab | undefined;
  const theLab = () => lab ?? missing('the lab is not open');
  const world = (label: string) => worlds.get(label) ?? missing(`there is no world ${label}`);

  const calls: Calls = {
    ...mail,
    async open(network) {
      if (opening) throw new Error('the lab was opened before');
      opening = openLab(network);
      lab = await opening;
      const { dns, trust }: LabAccess = lab.access;
      return { dns, trust };
    },
    async createWorld(label) {
      worlds.set(
        label,
        theLab().createWorld(label, (event) => say({ label, event })),
      );
    },
    arrange: (label, plan, options) => world(label).arrange(plan, options),
    idle: (label) => world(label).idle(),
    addressOf: (label, host, family) => world(label).addressOf(host, family),
    trace: (label) => world(label).trace(),
    async disposeWorld(label) {
      world(label)[Symbol.dispose]();
      worlds.delete(label);
    },
    publish: (name, text) => theLab().access.publish(name, text),
    slowness: (ms) => theLab().slowness(ms),
    caughtUp: async () => {},
  };
  return {
    answer({ id, call, given }: Call): void {
      const asked = Object.hasOwn(calls, call)
        ? (calls[call] as (...given: readonly unknown[]) => Promise<unknown>)
        : undefined;
      (async () => (asked ? asked(...given) : missing(`the lab has no ${call}`)))().then(
        (value) => say({ id, value }),
        (error: unknown) =>
          say({
            id,
            problem: error instanceof Error ? error.message : String(error),
            ...(error instanceof UncarriedError && { isUncarried: true }),
          }),
      );
    },
    async dispose() {
      // The user may have gone before it was open.
      const opened = await opening?.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    },
  };
}

function missing(message: string): never {
  throw new Error(message);
}
