/**
 * The json reporter: one document for programs. Its shape is versioned: within a `schemaVersion`,
 * members are only added.
 */

import { citation, requirementOf } from '../model/citation.ts';
import type { ReporterModule, Result, RunSummary } from '../model/reporter.ts';
import { countShown } from '../model/reporter.ts';
import { neededCapabilities, type Scenario } from '../model/scenario.ts';
import type { Finding } from '../model/verdict.ts';
import { printableJson } from '../protocol/printable.ts';

const SCHEMA_VERSION = 3;
const FILE_NAME = 'holdfast.json';

export const reporter: ReporterModule = {
  summary: `One JSON document: ${FILE_NAME} in the output folder, or standard output.`,
  file: FILE_NAME,
  create: (context) => ({
    async onEnd(summary) {
      const document = `${printableJson(toDocument(summary))}\n`;
      if (context.outDir === undefined) context.write(document);
      else await context.writeFile(FILE_NAME, document);
    },
  }),
};

function toDocument({
  run,
  results,
  knownLists,
  knownNoMore,
  skippedSenders,
  interrupted,
  evidenceDir,
  elapsedMs,
}: RunSummary) {
  return {
    schemaVersion: SCHEMA_VERSION,
    holdfast: run.holdfast,
    node: run.node,
    startedAt: run.startedAt,
    elapsedMs,
    interrupted,
    suite: run.suite,
    selected: run.selected,
    shard: run.shard,
    strict: run.strict,
    evidenceDir,
    summary: countShown(results),
    senders: run.senders.map(({ name, version, summary, capabilities }) => ({
      name,
      version,
      summary,
      capabilities,
      counts: countShown(results.filter(({ verdict }) => verdict.sender === name)),
    })),
    skippedSenders,
    scenarios: run.scenarios.map(toScenario),
    verdicts: results.map(toVerdict),
    knownLists,
    knownNoMore,
  };
}

function toScenario(scenario: Scenario) {
  const { id, file, title, why, requirements } = scenario;
  return { id, file, title, why, requirements, needs: neededCapabilities(scenario) };
}

function toVerdict({ verdict, known, isRun, reach }: Result) {
  return {
    ...verdict,
    findings: verdict.findings.map(withCitation),
    known,
    isRun,
    reach,
  };
}

function withCitation(finding: Finding) {
  const requirement = requirementOf(finding.requirement);
  return {
    ...finding,
    ...(requirement && { level: requirement.level, citation: citation(finding.requirement) }),
  };
}
