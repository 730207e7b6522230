/**
 * Telling the reporters. One that throws does not stop a run: it is named on standard error, and
 * the exit code is that of a harness that broke.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  Reporter,
  ReporterContext,
  ReporterModule,
  RunInfo,
  RunSummary,
} from '../model/reporter.ts';
import type { SenderDescription } from '../model/sender.ts';
import type { Trial, Verdict } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import { findPackage } from '../shipped.ts';
import type { Terminal } from './terminal.ts';

export interface Reporters {
  onStart(run: RunInfo): Promise<void>;
  onVerdict(verdict: Verdict, trial: Trial): Promise<void>;
  onEnd(summary: RunSummary): Promise<void>;
  /** Some reporter threw. */
  readonly broken: boolean;
}

/**
 * The reporters of these names, as one. When one breaks and nothing was told to people, the text
 * reporter tells the end.
 */
export function openReporters(
  names: readonly string[],
  known: ReadonlyMap<string, ReporterModule>,
  terminal: Terminal,
  outDir?: string,
): Reporters {
  const context = contextOf(terminal, outDir);
  const reporters = names.map((name) => ({ name, reporter: known.get(name)!.create(context) }));
  const broken = new Set<string>();
  const tell = async (event: (reporter: Reporter) => void | Promise<void>) => {
    for (const { name, reporter } of reporters) {
      try {
        await event(reporter);
      } catch (error) {
        if (!broken.has(name))
          terminal.complain(
            `the reporter ${name} failed: ${printable(error instanceof Error ? error.message : String(error))}`,
          );
        broken.add(name);
      }
    }
  };
  return {
    onStart: (run) => tell((reporter) => reporter.onStart?.(run)),
    onVerdict: (verdict, trial) => tell((reporter) => reporter.onVerdict?.(verdict, trial)),
    async onEnd(summary) {
      await tell((reporter) => reporter.onEnd?.(summary));
      if (broken.size > 0 && !names.includes('text'))
        await known.get('text')!.create(context).onEnd?.(summary);
    },
    get broken() {
      return broken.size > 0;
    },
  };
}

/** What a run is told to begin with. */
export function runInfo(
  senders: readonly SenderDescription[],
  scenarios: RunInfo['scenarios'],
): RunInfo {
  return {
    startedAt: new Date().toISOString(),
    senders,
    scenarios,
    node: process.versions.node,
    holdfast: findPackage().version,
  };
}

function contextOf(
  { write, isTerminal, columns, color }: Terminal,
  outDir?: string,
): ReporterContext {
  return {
    write,
    isTerminal,
    columns,
    color,
    outDir,
    async writeFile(name, content) {
      const folder = outDir ?? '.';
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, name), content);
    },
  };
}
