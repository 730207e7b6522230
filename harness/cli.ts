#!/usr/bin/env node
/**
 * The command line: argv to command to exit code. The only place that ends the process, and the
 * only one beside reporters that prints.
 *
 * Each command is loaded when it is asked for, so that `holdfast list` does not wait for the lab's
 * packages.
 */

import module from 'node:module';
import { createInterface } from 'node:readline';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { BugRequest } from './commands/bug.ts';
import type { CompareRequest } from './commands/compare.ts';
import type { CoverageRequest } from './commands/coverage.ts';
import type { InitRequest } from './commands/init.ts';
import type { LabRequest } from './commands/lab.ts';
import type { ListRequest } from './commands/list.ts';
import type { MergeRequest } from './commands/merge.ts';
import { PROFILES } from './commands/profile.ts';
import { openRegion } from './commands/region.ts';
import type { ReportRequest } from './commands/report.ts';
import type { ReportCheckRequest } from './commands/report-check.ts';
import type { RunRequest } from './commands/run.ts';
import { EXIT, type Terminal } from './commands/terminal.ts';
import { UsageError } from './model/usage.ts';
import { printableLines } from './protocol/printable.ts';
import { parseShard } from './results/shard.ts';
import { keepHeapSmall } from './run/heap.ts';
import { findPackage, isInRange } from './shipped.ts';

const EXAMPLES = `
Examples:
  holdfast run                                    the whole suite against the reference sender
  holdfast run starttls policy-host/redirected    a folder and a scenario
  holdfast run '*@expired*' --sender mx-connect   a pattern, another sender
  holdfast run ./mine --sender reference:follows-redirects
                                                  your own scenarios, against a sender that is wrong in one way
  holdfast run --reporter text,junit --out ci     for CI; the exit code is the gate
  holdfast run --keep evidence && holdfast judge evidence
  holdfast lab starttls/stripped@as-removed-line  the lab alone, to try a tool or a mail server by hand

Exit codes:
  0 no failure, or only known ones · 1 a failure, or a list of known failures is out of date
  2 inconclusive, nothing judged (all of it unsupported), or a sender that cannot be run here (no Docker)
  64 wrong usage or broken YAML · 130 stopped by Ctrl-C, SIGTERM or SIGHUP
  70 the harness or a sender did not start or broke: an image that cannot be had, no engine at DOCKER_HOST`;

const SELECTION = `
A SCENARIO is an id (starttls/stripped), a variant (starttls/stripped@as-removed-line), a folder (starttls),
a pattern ('*@as-*'), or a path to files of your own (./mine, mine.yaml). Without one, the whole suite is run.

One reporter writes to standard output. With --out DIR, those that make a document write it there (holdfast.html,
holdfast.json, junit.xml, holdfast.md, holdfast.sarif, gl-code-quality-report.json); text and github stay on standard output.`;

/** npm and the terminal both pass a Ctrl-C on: within this time, two signals are one. */
const SAME_SIGNAL_MS = 300;
/** How long putting away may take once something has broken. */
const PUT_AWAY_MS = 15_000;
/** How long the process may live on when all is done and said. */
const LINGERS_MS = 5_000;

await main();

async function main(): Promise<void> {
  const { terminal, stopped } = openTerminal();
  const code = await runCommand(process.argv, terminal);
  // Whoever stopped the command does not wait for what it was waiting for.
  if (stopped() !== undefined) process.exit(stopped());
  process.exitCode = code;
  // A stream that an engine has left open, though its container is gone, holds nobody up.
  process.stdout.write('', () => setTimeout(() => process.exit(), LINGERS_MS).unref());
}

/** The exit code of a command line. */
async function runCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await parse(argv, terminal);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
    if (error instanceof UsageError) {
      terminal.complain(error.message);
      return EXIT.usage;
    }
    terminal.complain(`Holdfast broke: ${error instanceof Error ? error.stack : String(error)}`);
    return EXIT.harnessBroke;
  }
}

async function parse(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { version, nodeRange } = findPackage();
  if (!isInRange(process.versions.node, nodeRange))
    throw new UsageError(`Holdfast needs Node ${nodeRange}; this is ${process.versions.node}.`);
  module.enableCompileCache();
  keepHeapSmall();
  let code = 0;
  const program = new Command('holdfast')
    .description('Does a sending mail server hold fast when somebody on the path strips its TLS?')
    .version(version)
    .exitOverride()
    .addHelpText('after', EXAMPLES);

  program
    .command('run')
    .description('run scenarios against senders')
    .argument('[scenario...]', 'what to run; default: the whole suite')
    .addOption(
      new Option(
        '--sender <name>',
        'sender under test, or a list with commas; may be repeated (default: reference)',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--profile <name>',
        'smoke: a part of the suite that ends in seconds; full: all of it (default: full)',
      ).choices(PROFILES),
    )
    .addOption(jobsOption())
    .addOption(reporterOption('text'))
    .option('--out <dir>', 'folder for the files of reporters')
    .option(
      '--keep <dir>',
      'keep the evidence in this folder, in place of what it has of these senders',
    )
    .option(
      '--pcap',
      "keep each trial's packets beside its evidence, with the TLS secrets inside: for Wireshark",
    )
    .option('--strict', 'count warnings, and what was not met, as failures')
    .addOption(
      new Option(
        '--known <file>',
        'list of known failures; may be repeated (default: known.yaml beside the sender.yaml)',
      ).argParser(collect),
    )
    .option('--update-known', 'bring the list of known failures up to date after the run')
    .option('--against <name>', 'run this sender too, and fail if anything is worse than with it')
    .addOption(
      new Option('--shard <i/n>', 'the i-th of n parts of the suite, for holdfast merge').argParser(
        (text: string) => {
          const shard = parseShard(text);
          if (!shard) throw new InvalidArgumentError('Expected 2/5 for the second of five.');
          return shard;
        },
      ),
    )
    .option(
      '--durations <file>',
      'balance the shards by this file; a run without --shard updates it, as merge does',
    )
    .option('--verbose', 'print every verdict while the run goes on, passes too')
    .addHelpText('after', SELECTION)
    .action(async (scenarios: string[], { sender, reporter, ...options }: RunFlags) => {
      const { run } = await import('./commands/run.ts');
      code = await run(
        {
          ...options,
          scenarios,
          senders: sender ?? ['reference'],
          reporters: reporter ?? ['text'],
        },
        terminal,
      );
    });

  program
    .command('demo', { hidden: true })
    .description(
      'one variant of each scenario of the profile smoke against every built-in sender; evidence goes to holdfast-evidence/',
    )
    .addOption(jobsOption())
    .action(async ({ jobs }: { jobs?: number }) => {
      const { demo } = await import('./commands/run.ts');
      code = await demo(terminal, jobs);
    });

  program
    .command('serve', { hidden: true })
    .description(
      "a lab in a container: waits at its control port for the harness; HOLDFAST_SECRET is the harness's word",
    )
    .requiredOption('--port <n>', 'the control port', Number)
    .action(async ({ port }: { port: number }) => {
      const { serve } = await import('./commands/serve.ts');
      code = await serve({ port, secret: process.env.HOLDFAST_SECRET }, terminal);
    });

  program
    .command('compile', { hidden: true })
    .description('write the shipped suite beside the compiled code; npm run build does it')
    .action(async () => {
      const { compile } = await import('./commands/compile.ts');
      await compile();
    });

  program
    .command('list')
    .description(
      'list the scenarios, or the requirements, attacks and expectations to write them with',
    )
    .option('--json', 'as JSON')
    .addOption(
      new Option('--requirements', 'what the RFCs ask, by the ids used in scenarios').conflicts([
        'attacks',
        'expectations',
      ]),
    )
    .addOption(new Option('--attacks', 'what can stand under a step').conflicts(['expectations']))
    .option('--expectations', 'what a step can expect')
    .action(async (options: ListRequest) => {
      const { list } = await import('./commands/list.ts');
      code = await list(options, terminal);
    });

  program
    .command('coverage')
    .description(
      'tell which requirements the scenarios cover, how that is known, and why not others',
    )
    .option('--rfc <number>', 'only those of this RFC: 7672')
    .addOption(
      new Option('--level <word>', 'only those of this level, with its NOT').choices([
        'MUST',
        'SHOULD',
        'MAY',
      ]),
    )
    .option('--uncovered', 'only what is not covered')
    .addOption(
      new Option(
        '--attacks',
        'instead, the attacks that the field knows of, and the scenarios that use them',
      ).conflicts(['rfc', 'level', 'from', 'strict']),
    )
    .option(
      '--from <path>',
      'tell how the senders of this run did: a result file, or kept evidence',
    )
    .option('--json', 'as JSON')
    .option('--strict', 'exit with 1 where something is not covered, and no reason is given')
    .action(async (options: CoverageRequest) => {
      const { coverage } = await import('./commands/coverage.ts');
      code = await coverage(options, terminal);
    });

  program
    .command('senders')
    .description('list the senders, what they declare, and whether they can be run here')
    .option('--faults', 'the faults that the reference sender can be started with')
    .action(async (options: { faults?: boolean }) => {
      const { senders } = await import('./commands/list.ts');
      code = await senders(options, terminal);
    });

  program
    .command('init')
    .description('set up a sender folder, a first scenario and a CI workflow for your mail server')
    .argument('[dir]', 'the top of your project (default: the folder you are in)')
    .option('--like <name>', 'the nearest sender that comes with Holdfast (default: postfix)')
    .option('--image <name>', 'the image of your server (default: one is built)')
    .option('--name <name>', 'what your sender and its folder are called (default: my-mta)')
    .addOption(
      new Option('--ci <name>', 'a workflow for this CI (default: github)').choices([
        'github',
        'gitlab',
        'none',
      ]),
    )
    .option('--yes', 'ask nothing')
    .action(async (dir: string | undefined, options: Omit<InitRequest, 'dir'>) => {
      const { init } = await import('./commands/init.ts');
      code = await init({ ...options, dir }, terminal);
    });

  program
    .command('doctor')
    .description("check a sender's contract step by step and say what to fix")
    .requiredOption('--sender <name>', 'as for run')
    .action(async ({ sender }: { sender: string }) => {
      const { doctor } = await import('./commands/doctor.ts');
      code = await doctor(sender, terminal);
    });

  program
    .command('log')
    .description('print what a sender logs when mail is sent, deferred and bounced')
    .requiredOption('--sender <name>', 'as for run')
    .action(async ({ sender }: { sender: string }) => {
      const { log } = await import('./commands/log.ts');
      code = await log(sender, terminal);
    });

  program
    .command('explain')
    .description('explain in words what a scenario does and what it takes to pass')
    .argument('<scenario>', 'as for run')
    .action(async (scenario: string) => {
      const { explain } = await import('./commands/explain.ts');
      code = await explain(scenario, terminal);
    });

  program
    .command('lint')
    .description('check scenario files, contracts of senders and lists of known failures')
    .argument('<path...>', 'files or folders')
    .action(async (paths: string[]) => {
      const { lint } = await import('./commands/lint.ts');
      code = await lint(paths, terminal);
    });

  program
    .command('lab')
    .description('run a lab until Ctrl-C, to try a sender or a tool by hand')
    .argument(
      '[scenario]',
      'whose steps to go through, one with each line of input; default: an honest world',
    )
    .option('--docker', 'in a container: containers can join its network')
    .option(
      '--dns <address>',
      'at real addresses: the address of this machine for the name server, port 53',
    )
    .option(
      '--addresses <prefix>',
      'at real addresses: the prefix whose every address is this machine, for all other servers',
    )
    .option('--json', 'what is there and what is seen as JSON, a line each')
    .action(async (scenario: string | undefined, options: Omit<LabRequest, 'scenario'>) => {
      const { lab } = await import('./commands/lab.ts');
      code = await lab({ ...options, scenario }, terminal);
    });

  program
    .command('judge')
    .description('judge kept evidence again, without a lab')
    .argument('<dir>', 'what was given to --keep, or a folder in it')
    .option('--strict', 'count warnings, and what was not met, as failures')
    .action(async (dir: string, options: { strict?: boolean }) => {
      const { judge } = await import('./commands/judge.ts');
      code = await judge(dir, options, terminal);
    });

  program
    .command('compare')
    .description(
      'compare two runs; the exit code is 1 if anything got worse, 2 if that is not known',
    )
    .argument('<before>', 'a result file (--reporter json), or a folder of kept evidence')
    .argument('<after>', 'another, of the release, branch or sender to be gated')
    .addOption(
      new Option('--format <name>', 'text, json or markdown (default: text)').choices([
        'text',
        'json',
        'markdown',
      ]),
    )
    .option('--out <file>', 'write it there (default: standard output)')
    .action(async (before: string, after: string, options: CompareRequest) => {
      const { compare } = await import('./commands/compare.ts');
      code = await compare(before, after, options, terminal);
    });

  program
    .command('report')
    .description('report a past run again, as an HTML page or in any other format')
    .argument('<path>', 'a folder of kept evidence, or a result file (--reporter json)')
    .addOption(reporterOption('html'))
    .option('--out <dir>', 'folder for the files of reporters (default: the folder you are in)')
    .option('--verbose', 'print every verdict, passes too')
    .action(async (path: string, { reporter, ...options }: ReportFlags) => {
      const { report } = await import('./commands/report.ts');
      code = await report(
        path,
        { out: '.', ...options, reporters: reporter ?? ['html'] },
        terminal,
      );
    });

  program
    .command('bug')
    .description('write a bug report on a verdict, with its evidence as an archive')
    .argument('<scenario>', 'an id with its variant')
    .requiredOption('--from <dir>', 'what was given to --keep, or a folder in it')
    .option('--sender <name>', 'whose verdict, if the evidence is of several')
    .option(
      '--out <dir>',
      'folder for the report and the evidence (default: only the report, to standard output)',
    )
    .action(async (scenario: string, options: Omit<BugRequest, 'scenario'>) => {
      const { bug } = await import('./commands/bug.ts');
      code = await bug({ ...options, scenario }, terminal);
    });

  program
    .command('merge')
    .description('merge the shards of a run; the exit code is that of the whole run')
    .argument('<shard...>', 'what each shard wrote: a folder, or its holdfast.json')
    .requiredOption('--out <dir>', 'folder for the files of reporters, and for the evidence')
    .addOption(reporterOption('text,json'))
    .option('--strict', 'count warnings, and what was not met, as failures')
    .option('--durations <file>', 'update this file with how long each scenario took')
    .action(async (shards: string[], { reporter, ...options }: MergeFlags) => {
      const { merge } = await import('./commands/merge.ts');
      code = await merge({ ...options, shards, reporters: reporter ?? ['text', 'json'] }, terminal);
    });

  program
    .command('report-check')
    .description('check TLSRPT reports in files, and tell in plain words what they say')
    .argument('<file...>', 'JSON, gzip, or a mail (.eml) with either')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Exit codes:
  0 nothing wrong, or only against a SHOULD · 1 a MUST is broken · 64 a file that cannot be read as a report, or is refused`,
    )
    .action(async (files: string[], options: ReportCheckRequest) => {
      const { reportCheck } = await import('./commands/report-check.ts');
      code = await reportCheck(files, options, terminal);
    });

  program
    .command('clean')
    .description('remove the containers and networks that killed runs left in Docker')
    .option('--all', 'also those of runs still going on, or started on another machine')
    .option('--images', 'also the images that were built')
    .action(async (options: { all?: boolean; images?: boolean }) => {
      const { clean } = await import('./commands/clean.ts');
      code = await clean(options, terminal);
    });

  program
    .command('schema')
    .description('print the JSON Schema of scenarios, contracts or results')
    .option('--sender', 'that of sender.yaml')
    .option('--results', 'that of what --reporter json writes')
    .action(async (options: { sender?: boolean; results?: boolean }) => {
      const { schema } = await import('./commands/list.ts');
      code = await schema(options, terminal);
    });

  await program.parseAsync(argv);
  return code;
}

type RunFlags = Pick<
  RunRequest,
  | 'profile'
  | 'jobs'
  | 'out'
  | 'keep'
  | 'pcap'
  | 'strict'
  | 'known'
  | 'updateKnown'
  | 'against'
  | 'shard'
  | 'durations'
  | 'verbose'
> & {
  readonly sender?: string[];
  readonly reporter?: string[];
};

type ReportFlags = Omit<ReportRequest, 'reporters'> & { readonly reporter?: string[] };

type MergeFlags = Omit<MergeRequest, 'shards' | 'reporters'> & { readonly reporter?: string[] };

function reporterOption(byDefault: string): Option {
  return new Option(
    '--reporter <name>',
    `text, html, json, junit, markdown, github, gitlab or sarif; may be repeated (default: ${byDefault})`,
  ).argParser(collect);
}

function jobsOption(): Option {
  return new Option(
    '--jobs <n>',
    'how many trials at once (default: what suits the sender)',
  ).argParser((text: string) => {
    if (!/^[1-9]\d{0,3}$/.test(text))
      throw new InvalidArgumentError('Expected a number from 1 to 9999.');
    return Number(text);
  });
}

/** An option that may be repeated, and may hold a list. */
function collect(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes(''))
    throw new InvalidArgumentError('Expected a name, or names with commas between them.');
  return [...before, ...names];
}

/** The process as commands see it. `stopped` gives the exit code of a command that was stopped. */
function openTerminal(): { terminal: Terminal; stopped: () => number | undefined } {
  const { stdin, stdout, stderr, env } = process;
  const stop = new AbortController();
  let code: number | undefined;
  let since = 0;
  let isHeeded = false;

  const region =
    stdout.isTTY && env.TERM !== 'dumb' ? openRegion(stdout, stdout.hasColors()) : undefined;
  process.on('exit', () => region?.clear());
  const say = (text: string) => {
    region?.clear();
    stderr.write(text);
  };

  const interrupt = () => {
    if (code === undefined) {
      // A command that does not ask for the signal has nothing to put away.
      if (!isHeeded) process.exit(EXIT.interrupted);
      code = EXIT.interrupted;
      since = performance.now();
      say('\nstopping; once more to stop at once\n');
      stop.abort();
    } else if (performance.now() - since > SAME_SIGNAL_MS) process.exit(EXIT.interrupted);
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', interrupt);
  const giveUp = (because: number) => {
    code = because;
    process.exitCode = because;
    stop.abort();
  };
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (code !== undefined) return;
    // `| head` has read enough, or the terminal has gone: nothing more can be said, and that is no
    // failure of ours.
    if (error.code === 'EPIPE' || error.code === 'EIO') return giveUp(EXIT.outputClosed);
    say(`${printableLines(`standard output cannot be written: ${error.message}`)}\n`);
    giveUp(EXIT.harnessBroke);
  });
  stderr.on('error', () => {});
  // Node would exit with 1, which says that a sender failed.
  process.on('uncaughtException', (error) => {
    say(`${printableLines(`Holdfast broke: ${error.stack}`)}\n`);
    if (code !== undefined || !isHeeded) process.exit(EXIT.harnessBroke);
    giveUp(EXIT.harnessBroke);
    // What broke may be what putting away waits for.
    setTimeout(() => process.exit(EXIT.harnessBroke), PUT_AWAY_MS);
  });

  const terminal: Terminal = {
    write: (text) => {
      region?.clear();
      stdout.write(text);
    },
    // Names of files and folders, and what a stack quotes, are anybody's.
    complain: (text) => say(`${printableLines(text)}\n`),
    isTerminal: stdout.isTTY === true,
    get columns() {
      return stdout.columns || 100;
    },
    live: region?.show,
    color: stdout.isTTY
      ? stdout.hasColors()
      : !['', '0', 'false', undefined].includes(env.FORCE_COLOR),
    lines: linesOf(stdin),
    get signal() {
      isHeeded = true;
      return stop.signal;
    },
  };
  return { terminal, stopped: () => code };
}

/** A generator, so that nothing is read before somebody asks. */
async function* linesOf(stdin: NodeJS.ReadStream): AsyncGenerator<string> {
  yield* createInterface({ input: stdin });
}
