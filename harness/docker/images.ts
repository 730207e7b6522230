/**
 * Images: built once for each content. The tag is a digest of the build context and arguments, so
 * that nothing is built twice and nothing old is taken for new. The Dockerfiles keep to what the
 * classic builder knows.
 */

import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { SenderError } from '../model/sender.ts';
import { printable } from '../protocol/printable.ts';
import type { Dockerode } from './engine.ts';

export interface ImageSource {
  /** Said to people, and on the label. */
  readonly name: string;
  /** `holdfast-lab`, `holdfast-sender` */
  readonly repository: string;
  /** Folder whose files the build sees. */
  readonly context: string;
  /** Paths within the context; default: all of it. */
  readonly paths?: readonly string[];
  /** Paths within the context that are none of the image's business. */
  readonly without?: readonly string[];
  /** Path within the context; default: Dockerfile. */
  readonly dockerfile?: string;
  readonly args: Readonly<Record<string, string>>;
}

/**
 * The image's tag, after it was built if need be. Throws SenderError with the end of the build's
 * output when that fails, or is ended by the signal.
 */
export async function ensureImage(
  dockerode: Dockerode,
  source: ImageSource,
  tell: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const files = await filesOf(source);
  const tag = `${source.repository}:${await digest(source, files)}`;
  if (await exists(dockerode, tag)) return tag;
  tell(`building the image of ${source.name}; once only, this takes a minute`);
  await build(dockerode, source, files, tag, signal);
  return tag;
}

/** An image somebody else made: here, or pulled. Throws SenderError when it cannot be had. */
export async function ensurePulled(
  dockerode: Dockerode,
  image: string,
  tell: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  if (await exists(dockerode, image)) return;
  tell(`pulling ${image}`);
  try {
    const stream = await dockerode.pull(image, { abortSignal: signal });
    await finished(dockerode, stream, () => {}, signal);
  } catch (error) {
    throw new SenderError(
      `the image ${printable(image, 120)} is not here and cannot be pulled: ${printable((error as Error).message.trim().replace(/\.$/, ''))}. Build it, or correct its name.`,
    );
  }
}

async function exists(dockerode: Dockerode, image: string): Promise<boolean> {
  try {
    await dockerode.getImage(image).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

const KEPT_LINES = 15;

async function build(
  dockerode: Dockerode,
  source: ImageSource,
  files: readonly string[],
  tag: string,
  signal?: AbortSignal,
): Promise<void> {
  const said: string[] = [];
  try {
    const stream = await dockerode.buildImage(
      { context: source.context, src: [...files] },
      {
        t: tag,
        dockerfile: source.dockerfile ?? 'Dockerfile',
        buildargs: { ...source.args },
        labels: { 'holdfast.image': source.name },
        forcerm: true,
        abortSignal: signal,
      },
    );
    await finished(
      dockerode,
      stream,
      (line) => said.push(...line.split('\n').filter((part) => part.trim() !== '')),
      signal,
    );
  } catch (error) {
    const end = said.slice(-KEPT_LINES).map((line) => `  ${printable(line)}`);
    throw new SenderError(
      [
        `the image of ${source.name} cannot be built: ${printable((error as Error).message)}`,
        ...end,
      ].join('\n') +
        '\nIts base image and packages come from the network when it is built for the first time.',
    );
  }
}

function finished(
  dockerode: Dockerode,
  stream: NodeJS.ReadableStream,
  onLine: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  // The engine ends its work when nobody listens any more.
  if (signal) addAbortSignal(signal, stream as Readable);
  return new Promise((resolve, reject) => {
    // The engine has answered 200 by then: what goes wrong is told within the stream.
    let problem: string | undefined;
    dockerode.modem.followProgress(
      stream,
      (error: Error | null) => {
        if (error) reject(error);
        else if (problem !== undefined) reject(new Error(problem));
        else resolve();
      },
      (event: { stream?: string; error?: string }) => {
        problem ??= event.error;
        onLine(event.stream ?? '');
      },
    );
  });
}

/** Paths of files within the context, in order. */
async function filesOf({ context, paths = ['.'], without = [] }: ImageSource): Promise<string[]> {
  const files: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const about = await lstat(join(context, path));
    if (about.isFile() || about.isSymbolicLink()) files.push(path);
    // Pipes and sockets are no part of a context.
    if (!about.isDirectory()) return;
    const names = (await readdir(join(context, path))).filter(
      (name) => name !== 'node_modules' && name !== '.git',
    );
    for (const name of names) await visit(path === '.' ? name : `${path}/${name}`);
  };
  for (const path of paths) await visit(path);
  return files.filter((path) => !without.includes(path)).sort();
}

async function digest(
  { context, args, dockerfile }: ImageSource,
  files: readonly string[],
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([args, dockerfile]));
  for (const file of files) {
    const path = join(context, file);
    const about = await lstat(path);
    const content = about.isSymbolicLink() ? await readlink(path) : await readFile(path);
    hash.update(JSON.stringify([file, about.mode & 0o111])).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}
