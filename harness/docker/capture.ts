/**
 * tcpdump in a container of its own, beside another and in its network: the other one needs neither
 * the program nor the right to see packets.
 */

import { randomBytes } from 'node:crypto';
import { type Duplex, PassThrough } from 'node:stream';
import { SenderError } from '../model/sender.ts';
import { type PacketSource, tellLost } from '../process/capture.ts';
import { lastWords, onLines } from '../process/lines.ts';
import { printable } from '../protocol/printable.ts';
import { OUTPUT } from './container.ts';
import { type Engine, labelsOf } from './engine.ts';
import { ensureImage, type ImageSource } from './images.ts';

export interface CaptureOptions {
  /** Whose network; its id. */
  readonly container: string;
  /** Of the run that it belongs to; it is removed with that. */
  readonly run: string;
  readonly source: ImageSource;
  /** Of tcpdump. */
  readonly command: readonly string[];
  /** For people: packets are missing, an image is built. */
  tell(line: string): void;
  readonly signal?: AbortSignal;
}

const KEPT_LINES = 10;

/** Starts it; resolves once it listens. Throws SenderError. */
export async function captureBeside(
  { dockerode }: Engine,
  { container: other, run, source, command, tell, signal }: CaptureOptions,
): Promise<PacketSource> {
  const image = await ensureImage(dockerode, source, tell, signal);
  const words: string[] = [];
  const listening = Promise.withResolvers<void>();
  const [output, errors] = [new PassThrough(), new PassThrough()];
  void onLines(errors, (line) => {
    words.push(line);
    if (words.length > KEPT_LINES) words.shift();
    if (line.includes('listening on ')) listening.resolve();
    tellLost(line, tell);
  });
  try {
    const container = await dockerode.createContainer({
      name: `holdfast-${run}-capture-${randomBytes(2).toString('hex')}`,
      Image: image,
      Cmd: [...command],
      Labels: labelsOf(run),
      HostConfig: { NetworkMode: `container:${other}`, CapAdd: ['NET_RAW'] },
    });
    const stream = (await container.attach(OUTPUT)) as Duplex;
    dockerode.modem.demuxStream(stream, output, errors);
    await container.start();
    const ended = container.wait().then(() => {
      output.end();
      throw new Error(`it ended${lastWords(words)}`);
    });
    ended.catch(() => {});
    await Promise.race([listening.promise, ended]);
    return {
      output,
      async [Symbol.asyncDispose]() {
        await container.kill({ signal: 'SIGINT' }).catch(() => {});
        await ended.catch(() => {});
        stream.destroy();
      },
    };
  } catch (error) {
    throw new SenderError(`packets cannot be captured: ${printable((error as Error).message)}`);
  }
}
