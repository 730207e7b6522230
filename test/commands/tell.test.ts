import { describe, expect, it } from 'vitest';
import { openReporters } from '../../harness/commands/tell.ts';
import type { Terminal } from '../../harness/commands/terminal.ts';
import type { ReporterModule } from '../../harness/model/reporter.ts';
import { failed, summary } from '../reporters/fixtures.ts';

/** Tells one verdict to reporters of these kinds, as many as names. */
async function tellAll(names: readonly string[]) {
  const heard: string[] = [];
  const complaints: string[] = [];
  const saying = (name: string): ReporterModule => ({
    summary: name,
    create: () => ({
      onStart: () => void heard.push(`${name} start`),
      onVerdict: () => void heard.push(`${name} verdict`),
      onEnd: async () => void heard.push(`${name} end`),
    }),
  });
  const broken: ReporterModule = {
    summary: 'broken',
    create: () => ({
      onStart() {
        throw new Error('no start \x1b[31m');
      },
      onVerdict() {
        throw new Error('no verdict');
      },
      onEnd: () => Promise.reject(new Error('no end')),
    }),
  };
  const late: ReporterModule = {
    summary: 'late',
    create: () => ({ onEnd: () => Promise.reject(new Error('disk full')) }),
  };
  const terminal: Terminal = {
    write: () => {},
    complain: (text) => void complaints.push(text),
    isTerminal: false,
    columns: 80,
    color: false,
    signal: new AbortController().signal,
  };
  const known = new Map([
    ['text', saying('text')],
    ['quiet', saying('quiet')],
    ['broken', broken],
    ['late', late],
  ]);
  const reporters = openReporters(names, known, terminal);
  const told = summary([failed()]);
  await reporters.onStart(told.run);
  await reporters.onVerdict(told.results[0]!.verdict, told.results[0]!.trial);
  await reporters.onEnd(told);
  return { heard, complaints, broken: reporters.broken };
}

describe('the reporters', () => {
  it('hears everything', async () => {
    expect(await tellAll(['text', 'quiet'])).toEqual({
      heard: [
        'text start',
        'quiet start',
        'text verdict',
        'quiet verdict',
        'text end',
        'quiet end',
      ],
      complaints: [],
      broken: false,
    });
  });

  it('goes on past a reporter that throws, which is told once', async () => {
    expect(await tellAll(['broken', 'text'])).toEqual({
      heard: ['text start', 'text verdict', 'text end'],
      complaints: ['the reporter broken failed: no start \\x1b[31m'],
      broken: true,
    });
  });

  it('tells people the end when what was to be written could not be', async () => {
    expect(await tellAll(['late'])).toEqual({
      heard: ['text end'],
      complaints: ['the reporter late failed: disk full'],
      broken: true,
    });
  });
});
