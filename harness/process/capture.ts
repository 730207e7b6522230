/** tcpdump on this machine. */

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { SenderError } from '../model/sender.ts';
import { systemEnvironment } from './environment.ts';
import { lastWords, onLines } from './lines.ts';

/** Whole segments, as the kernel hands them over before they are cut for the wire. */
const SNAP_BYTES = 65_600;
/** What is handed over at once takes a slot of the longest size: many of them, or packets are lost. */
const BUFFER_KIB = 128 * 1024;

/** Words for tcpdump: packets that fit the filter, of every interface, as pcap and at once. */
export const captureCommand = (filter: string): readonly string[] => [
  ...['-i', 'any', '-n', '-U', '--immediate-mode'],
  ...['-s', String(SNAP_BYTES), '-B', String(BUFFER_KIB), '-Z', 'root', '-w', '-'],
  filter,
];

/** Disposed, it ends. */
export interface PacketSource extends AsyncDisposable {
  /** pcap. */
  readonly output: Readable;
}

/** tcpdump says at its end what came too fast for it. */
export function tellLost(line: string, tell: (line: string) => void): void {
  const [, lost = '0'] = /^(\d+) packets? dropped by kernel/.exec(line) ?? [];
  if (lost !== '0')
    tell(
      `${lost} packets came too fast and are missing in what was captured: run with fewer --jobs`,
    );
}

/** Starts it; resolves once it listens. Throws SenderError with what to do where it can't. */
export async function captureHere(
  filter: string,
  tell: (line: string) => void,
): Promise<PacketSource> {
  const isRoot = process.getuid?.() === 0;
  const command = captureCommand(filter).filter(
    (word, index, all) => isRoot || (word !== '-Z' && all[index - 1] !== '-Z'),
  );
  const child = spawn('tcpdump', command, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: systemEnvironment(),
    // A Ctrl-C at the terminal is not for it.
    detached: true,
  });
  const words: string[] = [];
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    void onLines(child.stderr, (line) => {
      words.push(line);
      if (line.includes('listening on ')) resolve();
      tellLost(line, tell);
    });
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new SenderError(
          error.code === 'ENOENT'
            ? 'packets are captured by tcpdump, which is not installed here: sudo apt-get install tcpdump'
            : `tcpdump cannot be started: ${error.message}`,
        ),
      ),
    );
    child.once('close', () =>
      reject(
        new SenderError(
          `tcpdump captures no packets here, which takes root or a permission (sudo setcap cap_net_raw+ep "$(command -v tcpdump)")${lastWords(words)}`,
        ),
      ),
    );
  });
  return {
    output: child.stdout,
    async [Symbol.asyncDispose]() {
      child.kill('SIGINT');
      await ended;
    },
  };
}
