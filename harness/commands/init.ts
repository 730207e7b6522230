/**
 * `init`: everything that it takes to test and gate a mail server of one's own, made from the
 * nearest one that comes with Holdfast: its folder with the contract, a first scenario, a list of
 * known failures, and a workflow.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { readSetUp } from '../init/dockerfile.ts';
import { ownSenderYaml } from '../init/sender-yaml.ts';
import { UsageError } from '../model/usage.ts';
import { makeFolder } from '../process/make-folder.ts';
import { printable } from '../protocol/printable.ts';
import { contractLanguage } from '../senders/contract/language.ts';
import { contractOf, shippedServers } from '../senders/find.ts';
import { findPackage } from '../shipped.ts';
import { nearestName } from '../yaml/problems.ts';
import type { Terminal } from './terminal.ts';

const CI = ['github', 'gitlab', 'none'] as const;

export interface InitRequest {
  /** The top of the project; default: the folder one is in. */
  readonly dir?: string;
  /** The shipped sender that is nearest. */
  readonly like?: string;
  /** The image of the server, in place of one that is built. */
  readonly image?: string;
  /** What the sender is called; its folder is named so too. */
  readonly name?: string;
  readonly ci?: (typeof CI)[number];
  /** Nothing is asked: what is not given is the default. */
  readonly yes?: boolean;
}

/**
 * Asks, on a terminal, for what was not given, writes the files and prints the next command. No file
 * is overwritten. Throws UsageError.
 */
export async function init(request: InitRequest, terminal: Terminal): Promise<number> {
  const dir = resolve(request.dir ?? '.');
  const answers = await answer(request, dir, terminal);
  const files = await filesOf(answers);
  const kept = await writeAll(dir, files);

  const shown = (path: string) => printable(relative('.', join(dir, path)) || path, 200);
  const width = Math.max(...files.map(({ path }) => shown(path).length));
  for (const file of files) {
    const what = kept.includes(file) ? 'is there already, and stays as it is' : file.what;
    terminal.write(`${`${shown(file.path).padEnd(width)}  ${what}`.trimEnd()}\n`);
  }
  const sender = `./${relative('.', join(dir, answers.name)).split(sep).join('/')}`;
  if (answers.ci === 'gitlab')
    terminal.write(`\nIn .gitlab-ci.yml: include: { local: ${WORKFLOWS.gitlab.path} }\n`);
  terminal.write(`\nNext: ${calledAs()} doctor --sender ${quoted(sender)}\n`);
  return 0;
}

// ---- what is wanted ----

type Answers = Required<Pick<InitRequest, 'like' | 'name' | 'ci'>> & Pick<InitRequest, 'image'>;

const DEFAULT_NAME = 'my-mta';
const DEFAULT_LIKE = 'postfix';

async function answer(request: InitRequest, dir: string, terminal: Terminal): Promise<Answers> {
  const asks = terminal.isTerminal && terminal.lines !== undefined && !request.yes;
  const lines = asks ? terminal.lines[Symbol.asyncIterator]() : undefined;
  /** What was given, or typed; an answer that does not do is asked for again. */
  const take = async (
    given: string | undefined,
    question: string,
    byDefault: string,
    check: (text: string) => string | undefined,
  ): Promise<string> => {
    if (given !== undefined || !lines) {
      const flaw = check(given ?? byDefault);
      if (flaw !== undefined) throw new UsageError(flaw);
      return given ?? byDefault;
    }
    for (;;) {
      terminal.write(`${question}${byDefault === '' ? '' : ` [${byDefault}]`} `);
      const { value, done } = await lines.next();
      if (done) throw new UsageError('nothing was written');
      const text = value.trim() || byDefault;
      const flaw = check(text);
      if (flaw === undefined) return text;
      terminal.write(`${flaw}\n`);
    }
  };
  try {
    const image = await take(
      request.image,
      'The image of your mail server; empty: it is built from a Dockerfile.',
      '',
      (text) => (text === '' ? undefined : flawOf('image', text)),
    );
    const like = await take(
      request.like,
      `Which of these is it nearest to? ${initServers().join(', ')}`,
      initServers().find((name) => image.includes(name)) ?? DEFAULT_LIKE,
      flawOfLike,
    );
    const name = await take(request.name, 'What is it called?', DEFAULT_NAME, (text) =>
      flawOf('name', text),
    );
    const ci = await take(
      request.ci,
      'A workflow for which CI? github, gitlab, none',
      ciOf(dir),
      (text) => (CI.some((one) => one === text) ? undefined : `it is one of ${CI.join(', ')}`),
    );
    return { image: image || undefined, like, name, ci: ci as (typeof CI)[number] };
  } finally {
    await lines?.return?.();
  }
}

function flawOf(key: 'name' | 'image', text: string): string | undefined {
  const schema = contractLanguage().shape[key];
  const flaw = schema.safeParse(text).error?.issues[0]?.message;
  return flaw && `${key} ${printable(text, 80)}: ${flaw}`;
}

function flawOfLike(text: string): string | undefined {
  const names = initServers();
  if (names.includes(text)) return undefined;
  if (shippedServers().includes(text))
    return `${text} runs in no container: copy its folder, ${join(findPackage().servers, text)}`;
  const near = nearestName(text, names);
  return `no sender ${printable(text, 80)} comes with Holdfast: ${near ? `did you mean ${near}?` : `there are ${names.join(', ')}`}`;
}

/** Those that run in a container; a Node program, which npm installs, does not. */
const initServers = () =>
  shippedServers().filter((name) => !existsSync(join(findPackage().servers, name, 'package.json')));

const ciOf = (dir: string) => (existsSync(join(dir, '.gitlab-ci.yml')) ? 'gitlab' : 'github');

// ---- what is written ----

interface NewFile {
  /** As seen from the top of the project. */
  readonly path: string;
  readonly text: string;
  /** What it is for, to people. */
  readonly what: string;
  /** It is of no use beside a file of another sender. */
  readonly ofSender: boolean;
}

const WORKFLOWS = {
  github: { path: '.github/workflows/holdfast.yml', example: 'github-gate.yml' },
  gitlab: { path: '.gitlab/holdfast.yml', example: 'gitlab-gate.yml' },
} as const;

async function filesOf({ like, image, name, ci }: Answers): Promise<NewFile[]> {
  const { servers, init, ci: examples } = findPackage();
  const { place } = await contractOf(like);
  if (place.kind !== 'container' || typeof place.image === 'string')
    throw new Error(`${like} is not built from a Dockerfile`);
  const { context } = place.image;
  const setUp = readSetUp(readFileSync(join(context, 'Dockerfile'), 'utf8'));
  const shipped = readFileSync(join(servers, like, 'sender.yaml'), 'utf8');
  const contract = ownSenderYaml(shipped, {
    name,
    from: image ? { image, like, setUp } : undefined,
  });
  // An image of one's own is another server: what it fails is to be seen.
  const known = join(image ? init : join(servers, like), 'known.yaml');
  const beside = readdirSync(context).filter(
    (file) => !NOT_THE_SERVERS.includes(file) && !(image && file === 'Dockerfile'),
  );
  const own = (file: string, text: string, what = ''): NewFile => ({
    path: `${name}/${file}`,
    text,
    what,
    ofSender: true,
  });
  return [
    own('sender.yaml', contract, 'the contract: how it is started, fed and watched'),
    ...beside.map((file) => own(file, readFileSync(join(context, file), 'utf8'))),
    own('known.yaml', readFileSync(known, 'utf8'), 'what it is known to fail, and why'),
    {
      path: 'scenarios/first.yaml',
      text: readFileSync(join(init, 'first.yaml'), 'utf8'),
      what: 'a scenario of your own',
      ofSender: false,
    },
    ...(ci === 'none' ? [] : [workflow(ci, name, examples)]),
  ];
}

/** Of a shipped folder: the contract and the list are made anew, the samples are for a test. */
const NOT_THE_SERVERS: readonly string[] = ['sender.yaml', 'known.yaml', 'samples.log'];

function workflow(ci: keyof typeof WORKFLOWS, name: string, examples: string): NewFile {
  const { path, example } = WORKFLOWS[ci];
  const text = readFileSync(join(examples, example), 'utf8').replaceAll(DEFAULT_NAME, name);
  return { path, text, what: 'the gate', ofSender: false };
}

/** Writes those that are not there. Throws UsageError, and writes nothing, where the sender is. */
async function writeAll(dir: string, files: readonly NewFile[]): Promise<NewFile[]> {
  const there = files.filter(({ path }) => existsSync(join(dir, path)));
  const senders = there.filter(({ ofSender }) => ofSender).map(({ path }) => path);
  if (senders.length > 0)
    throw new UsageError(
      `already in ${printable(dir, 200)}: ${senders.join(', ')}; nothing was written. --name gives the sender another folder`,
    );
  const missing = files.filter((file) => !there.includes(file));
  try {
    for (const { path, text } of missing) {
      await makeFolder(dirname(join(dir, path)));
      // Not even what came there a moment ago is overwritten.
      await writeFile(join(dir, path), text, { flag: 'wx' });
    }
  } catch (error) {
    throw new UsageError(`cannot be written: ${printable((error as Error).message)}`);
  }
  return there;
}

// ---- what to do next ----

/** How Holdfast was called, for a command that can be pasted. */
function calledAs(): string {
  const { npm_command: by, npm_lifecycle_event: script } = process.env;
  if (by === 'exec') return 'npx holdfast';
  return by === 'run-script' && script === 'holdfast' ? 'npm run -s holdfast --' : 'holdfast';
}

/** A word of a shell. */
const quoted = (word: string) =>
  /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
