import { describe, expect, it } from 'vitest';
import { openReporters } from '../../harness/commands/tell.ts';
import type { Terminal } from '../../harness/commands/terminal.ts';
import type { ReporterModule } from '../../harness/model/reporter.ts';
import { loadReporters } from '../../harness/vocabulary.ts';
import { failed, report, summary } from '../reporters/fixtures.ts';
import { testTerminal } from './terminal.ts';

/** Tells one verdict to reporters of these kinds, as many as names. */
async function tellAll(names: readonly string[]) {
  const heard: string[] = [];
  const complaints: string[] = [];
  const saying = (name: string): ReporterModule => ({
    summary: name,
    create: () => ({
      onStart: () => void heard.push(`${name} start`),
      onTrialStart: ({ id }, sender) => void heard.push(`${name} ${id} on ${sender}`),
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
  const { scenario, sender } = told.results[0]!.trial;
  await reporters.onTrialStart(scenario, sender.name);
  await reporters.onVerdict(told.results[0]!.verdict, told.results[0]!.trial);
  await reporters.onEnd(told);
  // A trial of a run that was stopped can end after the report.
  await reporters.onTrialStart(scenario, sender.name);
  await reporters.onVerdict(told.results[0]!.verdict, told.results[0]!.trial);
  return { heard, complaints, broken: reporters.broken };
}

describe('the reporters', () => {
  it('hear everything up to the end, and nothing after it', async () => {
    expect(await tellAll(['text', 'quiet'])).toEqual({
      heard: [
        'text start',
        'quiet start',
        'text starttls/stripped@as-removed-line on postfix',
        'quiet starttls/stripped@as-removed-line on postfix',
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
      heard: [
        'text start',
        'text starttls/stripped@as-removed-line on postfix',
        'text verdict',
        'text end',
      ],
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

  it('goes on past one that throws while it is drawn live, and ends what is drawn', async () => {
    const complaints: string[] = [];
    const drawn: (readonly string[] | undefined)[] = [];
    const { terminal } = testTerminal({
      complain: (text) => void complaints.push(text),
      live: (lines) => void drawn.push(lines?.()),
    });
    const text: ReporterModule = {
      summary: 'text',
      create: ({ live }) => ({
        onStart: () =>
          live?.(() => {
            throw new Error('no lines');
          }),
      }),
    };
    const reporters = openReporters(['text'], new Map([['text', text]]), terminal);
    const told = summary([]);
    await reporters.onStart(told.run);
    await reporters.onEnd(told);
    expect(drawn).toEqual([[], undefined]);
    expect(complaints).toEqual(['the reporter text failed: no lines']);
    expect(reporters.broken).toBe(true);
  });
});

describe('a reporter', async () => {
  it.each([...(await loadReporters())])('%s writes the file that it names', async (_, module) => {
    const { files } = await report(module, summary([failed()]), { outDir: 'out' });
    expect(Object.keys(files)).toEqual(module.file === undefined ? [] : [module.file]);
  });
});
