/**
 * The html reporter: one page that holds all of a run and asks for nothing else. The matrix, the
 * causes, and for each cell the world, the dialogue and what decided it.
 */

import { coverageOf, shareInWords, sharesOf } from '../coverage/coverage.ts';
import { GAPS } from '../coverage/gaps.ts';
import { readProofs } from '../coverage/proofs.ts';
import { openBook } from '../html/book.ts';
import { type PageCell, type PageData, renderPage } from '../html/page.ts';
import { type World, worldOf } from '../html/world.ts';
import { causesOf } from '../model/causes.ts';
import { citation, requirementOf } from '../model/citation.ts';
import type { ReporterModule, Result, RunSummary, Shown } from '../model/reporter.ts';
import { countShown, SHOWN, scenarioFileId, shownAs } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import type { Trial, Verdict } from '../model/verdict.ts';
import { gradeWord } from '../model/verdict.ts';
import { printable, printableLines } from '../protocol/printable.ts';
import { factLines } from './facts.ts';
import { SYMBOL, toldFindings, whyNotMet, whyUnsupported } from './failure-text.ts';
import { detailOf } from './html-cell.ts';
import { renderExposure } from './matrix.ts';

const FILE_NAME = 'holdfast.html';

/** What is kept first, where there is not room for the evidence of every trial. */
const RANK: readonly Shown[] = [
  'fail',
  'inconclusive',
  'warn',
  'known',
  'not-met',
  'pass',
  'unsupported',
];

export const reporter: ReporterModule = {
  summary: `One HTML page for people: ${FILE_NAME} in the output folder, or standard output.`,
  file: FILE_NAME,
  create(context) {
    const book = openBook();
    const told = new Map<string, string>();
    const worlds = new Map<string, World>();
    return {
      onVerdict(verdict, trial, known) {
        const key = keyOf(verdict);
        const { scenario } = trial;
        // Of a run that was read from its results the steps are not known.
        if (scenario.stages.length > 0 && !worlds.has(scenario.id))
          worlds.set(scenario.id, worldOf(scenario));
        told.set(key, tell(verdict, trial));
        book.add(key, detailOf(verdict, trial), RANK.indexOf(shownAs({ verdict, known })));
      },
      async onEnd(summary) {
        const page = renderPage(
          toData(summary, told),
          summary.run.scenarios.map(({ id }) => worlds.get(id) ?? null),
          book.bind(),
        );
        if (context.outDir === undefined) context.write(page);
        else {
          await context.writeFile(FILE_NAME, page);
          context.write(`\nReport: ${printable(`${context.outDir}/${FILE_NAME}`)}\n`);
        }
      },
    };
  },
};

const keyOf = ({ sender, scenario }: Verdict) => `${sender}\0${scenario}`;

/** What happened, in a line. */
function tell(verdict: Verdict, trial: Trial): string {
  switch (verdict.grade) {
    case 'not-met':
      return whyNotMet(verdict, trial);
    case 'unsupported':
      return whyUnsupported(verdict, trial);
    default:
      return printable(toldFindings(verdict)[0]?.actual ?? verdict.remarks[0] ?? '');
  }
}

// ---- what the matrix is made of ----

function toData(summary: RunSummary, told: ReadonlyMap<string, string>): PageData {
  const { run, results, skippedSenders, knownNoMore, interrupted, elapsedMs } = summary;
  const senders = new Map(run.senders.map(({ name }, index) => [name, index]));
  const scenarios = new Map(run.scenarios.map(({ id }, index) => [id, index]));
  const asked = new Set([
    ...run.scenarios.flatMap(({ requirements }) => requirements),
    ...results.flatMap(({ verdict }) => verdict.findings.map(({ requirement }) => requirement)),
  ]);
  return {
    holdfast: run.holdfast,
    node: run.node,
    startedAt: run.startedAt,
    elapsedMs,
    interrupted,
    counts: countShown(results),
    shown: SHOWN.map((shown) => ({ shown, word: gradeWord(shown), symbol: SYMBOL[shown] })),
    senders: run.senders.map(({ name, version, summary: text }) => ({
      name: printable(name, 80),
      version: printable(version, 80),
      summary: printable(text),
    })),
    skippedSenders: skippedSenders.map(({ name, reason }) => ({
      name: printable(name, 80),
      reason: printable(reason, 1_000),
    })),
    scenarios: run.scenarios.map((scenario) => ({
      id: printable(scenario.id, 200),
      title: printable(scenario.title ?? ''),
      why: printableLines(scenario.why?.trimEnd() ?? ''),
      requirements: scenario.requirements,
      word: isOwn(scenario) ? printable(scenario.file) : printable(scenario.id, 200),
    })),
    requirements: Object.fromEntries(
      [...asked].flatMap((id) => {
        const requirement = requirementOf(id);
        if (!requirement) return [];
        const { rfc, level } = requirement;
        return [[id, { rfc, level, text: citation(id) }]];
      }),
    ),
    cells: results.flatMap((result): PageCell[] => {
      const sender = senders.get(result.verdict.sender);
      const scenario = scenarios.get(result.verdict.scenario);
      if (sender === undefined || scenario === undefined) return [];
      return [cellOf(result, sender, scenario, told)];
    }),
    causes: causesOf(results).map((cause) => ({
      shown: cause.shown,
      sender: senders.get(cause.sender) ?? -1,
      requirement: printable(cause.requirement, 80),
      actual: printable(cause.example.finding.actual),
      scenarios: cause.scenarios.flatMap((id) => scenarios.get(id) ?? []),
    })),
    knownNoMore: knownNoMore.map(({ sender, kind, entry }) =>
      printable(
        kind === 'passes'
          ? `${sender}: ${entry.scenarios} passes now; delete ${entry.file}:${entry.line}`
          : `${sender}: ${entry.scenarios} fails still, and was known until ${entry.until} (${entry.file}:${entry.line})`,
        600,
      ),
    ),
    exposure: renderExposure(summary),
    facts: factLines(results),
    coverage: coverageFor(run.scenarios),
  };
}

/** Of the whole suite, whatever part of it was run. */
function coverageFor(scenarios: readonly Scenario[]): PageData['coverage'] {
  const indexes = new Map(scenarios.map(({ id }, index) => [id, index]));
  const rows = coverageOf(scenarios, readProofs(), GAPS);
  const { byRfc, all } = sharesOf(rows);
  return {
    rows: rows.map(({ id, rfc, level, proofs, reason }) => ({
      id,
      rfc,
      level,
      text: citation(id),
      proofs: proofs.length,
      scenarios: proofs.flatMap(({ scenario }) => indexes.get(scenario) ?? []),
      faults: [...new Set(proofs.flatMap(({ faults }) => faults))],
      reason,
    })),
    sums: [...byRfc, ['all', all] as const].map(([name, { MUST, SHOULD }]) => [
      name,
      shareInWords(MUST),
      shareInWords(SHOULD),
    ]),
  };
}

function cellOf(
  { verdict, known, reach }: Result,
  sender: number,
  scenario: number,
  told: ReadonlyMap<string, string>,
): PageCell {
  return {
    key: keyOf(verdict),
    sender,
    scenario,
    shown: shownAs({ verdict, known }),
    exposure: verdict.exposure,
    durationMs: verdict.durationMs,
    told: told.get(keyOf(verdict)) ?? printable(toldFindings(verdict)[0]?.actual ?? ''),
    reach,
    known: known && {
      reason: printable(known.reason, 1_000),
      link: known.link && printable(known.link, 1_000),
      until: known.until && printable(known.until, 80),
    },
  };
}

/** A scenario of the user's own is found by its file, one of the suite by its id. */
const isOwn = ({ id, file }: Scenario) => !file.endsWith(`scenarios/${scenarioFileId(id)}.yaml`);
