/**
 * A lab in another process, as its user sees it: the same as one in this process.
 */

import net from 'node:net';
import type { Event } from '../model/observation.ts';
import { type Endpoint, type LabNetwork, UncarriedError } from '../model/sender.ts';
import { type CallName, type Calls, type FromLab, onJsonLines, sendJson } from './control-wire.ts';
import type { Lab } from './lab.ts';

export interface RemoteOptions {
  readonly control: Endpoint;
  readonly secret: string;
  /** As in Calls. */
  readonly network: string;
  readonly docker: LabNetwork['docker'];
}

/** Events of a lab that we started. */
const LONGEST_LINE_CHARS = 64 * 1024 * 1024;
const CONNECT_MS = 5_000;

/**
 * Opens the lab behind this control port. Throws when it does not answer; every call throws once it
 * is gone.
 */
export async function connectLab({
  control,
  secret,
  network,
  docker,
}: RemoteOptions): Promise<Lab> {
  const socket = await connect(control);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const listeners = new Map<string, (event: Event) => void>();
  let asked = 0;

  const gone = new Error(
    'the lab has gone: its container has stopped, or its control port was closed',
  );
  socket.on('error', () => {});
  const lost = Promise.withResolvers<Error>();
  socket.on('close', () => {
    lost.resolve(gone);
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  });
  onJsonLines(
    socket,
    () => LONGEST_LINE_CHARS,
    (value) => {
      const said = value as FromLab;
      if ('event' in said) return listeners.get(said.label)?.(said.event);
      const answer = waiting.get(said.id);
      waiting.delete(said.id);
      if ('problem' in said)
        answer?.reject(new (said.isUncarried ? UncarriedError : Error)(said.problem));
      else answer?.resolve(said.value);
    },
  );
  const call = <Name extends CallName>(
    name: Name,
    ...given: Parameters<Calls[Name]>
  ): ReturnType<Calls[Name]> => {
    const answer = Promise.withResolvers<unknown>();
    if (socket.destroyed) answer.reject(gone);
    else {
      waiting.set(++asked, answer);
      sendJson(socket, { id: asked, call: name, given });
    }
    return answer.promise as ReturnType<Calls[Name]>;
  };

  sendJson(socket, { secret });
  const { dns, trust } = await call('open', network).catch((error) => {
    socket.destroy();
    throw error;
  });
  const reach: LabNetwork = {
    docker,
    submit: (server, message) => call('submit', server, message),
    greets: (server) => call('greets', server),
    // A lab that is gone records no more.
    caughtUp: () => call('caughtUp').catch(() => {}),
  };
  return {
    // Every address is real.
    access: {
      dns,
      trust,
      route: (address, port) => ({ address, port }),
      onRoute: () => () => {},
      publish: (name, text) => call('publish', name, text),
      network: reach,
    },
    lost: lost.promise,
    slowness: (ms) => call('slowness', ms),
    createWorld(label, record) {
      listeners.set(label, record);
      // What comes next on the stream finds the world made; a lab that is gone says so then.
      call('createWorld', label).catch(() => {});
      return {
        arrange: (plan, options = {}) => call('arrange', label, plan, options),
        // A lab that is gone has no connection open.
        idle: () => call('idle', label).catch(() => {}),
        addressOf: (host, family) => call('addressOf', label, host, family),
        trace: () => call('trace', label),
        [Symbol.dispose]() {
          listeners.delete(label);
          call('disposeWorld', label).catch(() => {});
        },
      };
    },
    async [Symbol.asyncDispose]() {
      if (socket.destroyed) return;
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.destroy();
      await closed;
    },
  };
}

function connect({ address, port }: Endpoint): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address, port, noDelay: true });
    const fail = (why: string) => {
      socket.destroy();
      reject(new Error(`the lab's control port ${address}:${port} ${why}`));
    };
    socket.setTimeout(CONNECT_MS, () => fail('does not answer'));
    socket.once('error', (error) => fail(`cannot be reached: ${error.message}`));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
