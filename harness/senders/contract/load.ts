/**
 * The contract of a sender, read from its `sender.yaml`. Every problem is found at once, and what
 * needs two keys or the disk to tell is found here: a capability without the command it takes, a
 * key of a container in a contract without one, a file that is not there.
 */

import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import type { ContainerPlace, NodePlace, SenderContract } from '../../model/contract.ts';
import { SENDER_FILE } from '../../model/contract.ts';
import type { Capability } from '../../model/sender.ts';
import { readAddress, readPrefix, sizeOf } from '../../protocol/ipv4.ts';
import { nameFrom, readText, unreadable, wholeFile } from '../../yaml/file.ts';
import type { Complain } from '../../yaml/issues.ts';
import { parseKeys, startComplaints } from '../../yaml/issues.ts';
import type { Problem } from '../../yaml/problems.ts';
import { inOrder } from '../../yaml/problems.ts';
import type { Path, Source } from '../../yaml/source.ts';
import { isMapping, readSource } from '../../yaml/source.ts';
import { contractLanguage, groupsOf, PLACES } from './language.ts';

export { contractJsonSchema } from './language.ts';

export interface LoadedContract {
  /** None when there is a problem. */
  readonly contract?: SenderContract;
  readonly problems: readonly Problem[];
}

/**
 * The contract in a folder with a `sender.yaml`, or in that file. A relative path starts at `cwd`,
 * and problems name files as seen from there.
 */
export async function loadContract(path: string, cwd: string): Promise<LoadedContract> {
  const found = await findFile(resolve(cwd, path), cwd);
  if (typeof found !== 'string') return { problems: [found] };
  const name = nameFrom(cwd, found);
  const { text, problems: unread } = await readText(found, name, 'contract');
  if (text === undefined) return { problems: unread };
  const { source, problems: flaws } = readSource(text, name, 'contract');
  if (source === undefined) return { problems: inOrder(flaws) };

  const { complain, problems: told } = startComplaints(source);
  const draft = readContract(source, complain);
  if (draft !== undefined) {
    checkPlace(draft, complain);
    checkLog(draft, complain);
    checkCommands(draft, complain);
    await checkFiles(draft, dirname(found), complain);
  }
  const problems = inOrder([...flaws, ...told]);
  if (draft === undefined || problems.length > 0) return { problems };
  return { contract: contractOf(draft.head as Head, source, dirname(found)), problems };
}

type Head = z.output<ReturnType<typeof contractLanguage>>;

interface Draft {
  readonly raw: Readonly<Record<string, unknown>>;
  /** Each key that can be read. */
  readonly head: Partial<Head>;
  /**
   * What the server is, even where the rest of that cannot be read. undefined: the contract does
   * not say.
   */
  readonly kind: 'container' | 'external' | 'node' | undefined;
}

const CONTAINER_KEYS = ['hostname', 'environment', 'sysctls', 'files', 'command', 'dkim'] as const;
const CONTAINER_ONLY_KEYS = ['hostname', 'sysctls', 'command', 'dkim'] as const;
const EXTERNAL_COMMANDS = ['start', 'stop'] as const;

async function findFile(path: string, cwd: string): Promise<string | Problem> {
  const name = nameFrom(cwd, path);
  try {
    const found = await stat(path);
    if (found.isFile()) return path;
    const mayHold = found.isDirectory() && basename(path) !== SENDER_FILE;
    return mayHold
      ? await findFile(join(path, SENDER_FILE), cwd)
      : wholeFile(name, `neither a file nor a folder with a ${SENDER_FILE}`);
  } catch (error) {
    return unreadable(name, error);
  }
}

/** undefined: the file is no map. */
function readContract({ value }: Source, complain: Complain): Draft | undefined {
  if (value === null) {
    complain([], 'an empty file holds no contract');
    return undefined;
  }
  if (!isMapping(value)) {
    complain([], 'a contract is a map with name, version, image, submit, log and more', {
      found: value,
    });
    return undefined;
  }
  const places = PLACES.filter((place) => value[place] !== undefined);
  const [place, ...others] = places.sort(
    (a, b) => Object.keys(value).indexOf(a) - Object.keys(value).indexOf(b),
  );
  if (place === undefined)
    complain([], 'does not say where the server comes from: image, build, external or node');
  for (const other of others)
    complain([other], `the server comes from one place, and that is ${place} already`, {
      part: 'key',
      found: other,
    });
  return {
    raw: value,
    head: parseKeys(contractLanguage(), value, complain),
    kind: place && (place === 'external' || place === 'node' ? place : 'container'),
  };
}

/** What only a container has, and what only a server without one. */
function checkPlace(draft: Draft, complain: Complain): void {
  const { submit } = draft.head;
  if (submit && (submit.user === undefined) !== (submit.password === undefined)) {
    const [given, missing] =
      submit.user === undefined ? ['password', 'user'] : ['user', 'password'];
    complain(['submit', given], `${given} needs ${missing} beside it`, { part: 'key' });
  }
  if (draft.kind === 'container') checkContainer(draft, complain);
  if (draft.kind === 'external') checkExternal(draft, complain);
  if (draft.kind === 'node') checkNode(draft, complain);
}

function checkContainer(
  { head: { submit, log, commands, files, trust, dnssec, dkim } }: Draft,
  complain: Complain,
): void {
  const key = { part: 'key' } as const;
  if (submit?.host !== undefined)
    complain(
      ['submit', 'host'],
      'the address of a container is known; only external senders have a host',
      key,
    );
  if (isMapping(log?.from) && 'command' in log.from)
    complain(
      ['log', 'from', 'command'],
      'the log of a container is its stdout or a file in it',
      key,
    );
  for (const name of EXTERNAL_COMMANDS)
    if (commands?.[name] !== undefined)
      complain(['commands', name], `a container is started and ended without ${name}`, key);
  if (commands?.restart !== undefined)
    complain(
      ['commands', 'restart'],
      'a container is ended and started again, without a command of its own: leave this out',
      key,
    );
  for (const [name, path] of Object.entries({ trust, dnssec, dkim }))
    if (files && path !== undefined && Object.hasOwn(files, path))
      complain(['files', path], `the harness puts a file of its own here (${name})`, key);
}

function checkExternal(
  { raw, head: { external, submit, log, limits } }: Draft,
  complain: Complain,
): void {
  for (const name of CONTAINER_KEYS)
    if (raw[name] !== undefined)
      complain([name], `only a container has ${name}; an external server is set up by its owner`, {
        part: 'key',
      });
  if (external) checkAddresses(external, complain);
  if (submit && submit.host === undefined)
    complain(['submit'], 'an external sender needs host, the IP address mail is submitted at');
  if (log && log.from === undefined)
    complain(['log'], 'an external sender needs from: { command: … }, which prints its log');
  else if (log && !(isMapping(log.from) && 'command' in log.from))
    complain(
      ['log', 'from'],
      'the log of an external sender is what a command prints: { command: tail -F … }',
    );
  if (limits?.instances === 'exclusive')
    complain(['limits', 'instances'], 'there is one external server, and scenarios share it');
}

function checkNode(
  { raw, head: { submit, log, commands, files, trust, dnssec } }: Draft,
  complain: Complain,
): void {
  const key = { part: 'key' } as const;
  for (const name of CONTAINER_ONLY_KEYS)
    if (raw[name] !== undefined) complain([name], `only a container has ${name}`, key);
  if (submit?.host !== undefined)
    complain(
      ['submit', 'host'],
      'where a Node program listens is known; only external senders have a host',
      key,
    );
  if (isMapping(log?.from))
    complain(['log', 'from'], 'the log of a Node program is what it prints: leave this out', key);
  for (const name of [...EXTERNAL_COMMANDS, 'restart'] as const)
    if (commands?.[name] !== undefined)
      complain(['commands', name], `a Node program is started and ended without ${name}`, key);
  for (const [name, path] of Object.entries({ trust, dnssec }))
    if (files && path !== undefined && Object.hasOwn(files, path))
      complain(['files', path], `the harness puts a file of its own here (${name})`, key);
}

function checkAddresses(
  { dns, addresses }: NonNullable<Head['external']>,
  complain: Complain,
): void {
  const prefix = readPrefix(addresses)!;
  const offset = readAddress(dns)! - prefix.first;
  if (offset >= 0 && offset < sizeOf(prefix))
    complain(
      ['external', 'dns'],
      `lies in ${addresses}, whose addresses are for mail exchangers: give the name server one of its own`,
    );
}

/** Patterns are for lines of text or for lines of JSON, and not for both. */
function checkLog({ head: { log } }: Draft, complain: Complain): void {
  if (!log) return;
  const { fields, reason } = log;
  for (const key of ['sent', 'deferred', 'bounced', 'reason'] as const) {
    const pattern = log[key];
    if (pattern === undefined) continue;
    if (fields === undefined && typeof pattern !== 'string')
      complain(
        ['log', key],
        'a log in JSON needs log.fields, which says where the recipient stands',
      );
    if (fields !== undefined && typeof pattern === 'string')
      complain(['log', key], 'of a log in JSON (log.fields), says by member what a line has to be');
    if (
      reason !== undefined &&
      key !== 'reason' &&
      key !== 'sent' &&
      typeof pattern === 'string' &&
      !groupsOf(pattern).includes('id')
    )
      complain(['log', key], 'needs the named group (?<id>…), by which log.reason is found');
  }
  if (reason !== undefined && fields !== undefined)
    for (const key of ['id', 'reason'] as const)
      if (fields[key] === undefined)
        complain(['log', 'reason'], `needs log.fields.${key} beside it`, { part: 'key' });
}

/** What is declared needs the command by which it is done. */
function checkCommands(
  { head: { commands, capabilities, submit, limits }, kind }: Draft,
  complain: Complain,
): void {
  if (commands?.flush === 'restart' && kind === 'external' && commands.restart === undefined)
    complain(
      ['commands', 'flush'],
      'restart as flush needs commands.restart: an external server is not restarted without one',
    );
  if (commands?.flush === 'restart' && kind !== 'external' && limits?.instances !== 'exclusive')
    complain(
      ['commands', 'flush'],
      'restart as flush needs limits.instances: exclusive, or it stops the server in the middle of other scenarios',
    );
  if (capabilities === undefined) return;
  const declares = (capability: Capability) => capabilities.includes(capability);
  if (commands?.flush === 'restart' && declares('mta-sts') && !declares('persistent-cache'))
    complain(
      ['commands', 'flush'],
      'a restart takes the policies along where the cache is not persistent: name a command that runs the queue, or declare persistent-cache',
    );
  for (const [index, capability] of capabilities.entries()) {
    const missing =
      capabilities.indexOf(capability) < index ? 'given twice' : missingFor(capability);
    if (missing !== undefined) complain(['capabilities', index], missing);
  }
  if (commands?.queue !== undefined && !declares('queue'))
    complain(
      ['commands', 'queue'],
      'is of use only with the capability queue: declare it, or leave this out',
      { part: 'key' },
    );

  if (commands?.report !== undefined && !declares('tlsrpt') && !declares('tlsrpt-mail'))
    complain(
      ['commands', 'report'],
      'is of use only with the capability tlsrpt: declare it, or leave this out',
      { part: 'key' },
    );
  if (limits?.attempts !== undefined && !declares('queue-lifetime'))
    complain(
      ['limits', 'attempts'],
      'is of use only with the capability queue-lifetime: declare it, or leave this out',
      { part: 'key' },
    );

  function missingFor(capability: Capability): string | undefined {
    if (
      (capability === 'testing-mode' || capability === 'persistent-cache') &&
      !declares('mta-sts')
    )
      return `${capability} is a part of mta-sts: declare that too`;
    if (commands === undefined) return undefined;
    if (capability === 'queue' && commands.flush === undefined)
      return 'queue needs commands.flush, which retries what is queued';
    if (capability === 'refresh' && commands.refresh === undefined)
      return 'refresh needs commands.refresh, which has the sender look for new policies';
    if (capability === 'time-travel' && commands.age === undefined)
      return 'time-travel needs commands.age, which makes policies and mail older';
    if (capability === 'dsn' && submit?.from !== undefined)
      return 'a bounce goes to submit.from, and so comes not home to the lab: leave dsn out';
    if (capability === 'restart' && kind === 'external' && commands.restart === undefined)
      return 'restart needs commands.restart: an external server is not restarted without one';
    // A container or a Node program is given to one scenario alone where that restarts it.
    if (
      capability === 'restart' &&
      kind === 'external' &&
      declares('mta-sts') &&
      !declares('persistent-cache')
    )
      return 'a restart takes the policies of other scenarios along where the cache is not persistent: leave restart out, or declare persistent-cache';
    return undefined;
  }
}

async function checkFiles(
  { head: { build, files } }: Draft,
  folder: string,
  complain: Complain,
): Promise<void> {
  if (build) {
    const context = resolve(folder, build.context);
    const path = ['build', 'context'];
    if (!(await statOf(context))?.isDirectory())
      complain(path, 'no such folder', { found: build.context });
    else if (!(await statOf(join(context, 'Dockerfile')))?.isFile())
      complain(path, 'no Dockerfile in this folder', { found: build.context });
  }
  for (const [target, file] of Object.entries(files ?? {}))
    if (!(await statOf(resolve(folder, file)))?.isFile())
      complain(['files', target], 'no such file', { found: file });
}

/** undefined: nothing that could be used. */
async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

function contractOf(head: Head, source: Source, folder: string): SenderContract {
  const {
    name,
    summary,
    version,
    trust,
    dnssec,
    dkim,
    submit,
    log,
    commands,
    capabilities,
    limits,
    ready,
    differs,
  } = head;
  return {
    name,
    summary,
    version,
    place: head.external
      ? { kind: 'external', ...head.external }
      : head.node
        ? nodeOf(head, head.node, source, folder)
        : containerOf(head, source, folder),
    trust,
    ...(dnssec !== undefined && { dnssec }),
    ...(dkim !== undefined && { dkim }),
    ready: { ...(ready.log !== undefined && { log: ready.log }), withinSeconds: ready.within },
    submit,
    log: { ...log, from: log.from ?? 'stdout' },
    commands,
    capabilities,
    ...limits,
    differs,
  };
}

function containerOf(head: Head, source: Source, folder: string): ContainerPlace {
  const { image, build, hostname, environment, sysctls, files, command } = head;
  return {
    kind: 'container',
    image: build
      ? {
          context: resolve(folder, build.context),
          args: asWritten(build.args, ['build', 'args'], source),
        }
      : image!,
    ...(hostname !== undefined && { hostname }),
    ...(sysctls && { sysctls: asWritten(sysctls, ['sysctls'], source) }),
    environment: asWritten(environment, ['environment'], source),
    files: filesOf(files, folder),
    ...(command !== undefined && { command }),
  };
}

function nodeOf(
  { environment, files }: Head,
  { program, arguments: given }: NonNullable<Head['node']>,
  source: Source,
  folder: string,
): NodePlace {
  return {
    kind: 'node',
    program: resolve(folder, program),
    arguments: given,
    environment: asWritten(environment, ['environment'], source),
    files: filesOf(files, folder),
    folder,
  };
}

const filesOf = (files: Readonly<Record<string, string>>, folder: string) =>
  Object.fromEntries(
    Object.entries(files).map(([target, file]) => [target, resolve(folder, file)]),
  );

/** A number is a text to whom it is given: `3.10` stays `3.10`, and is not 3.1. */
function asWritten(
  variables: Readonly<Record<string, string | number | boolean>>,
  path: Path,
  source: Source,
): Record<string, string> {
  const texts = Object.entries(variables).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : (source.written([...path, name]) ?? String(value)),
  ]);
  return Object.fromEntries(texts);
}
