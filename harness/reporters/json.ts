/**
 * The json reporter: one document for programs. Its shape is versioned: within a `schemaVersion`,
 * members are only added.
 */

import type { ReporterModule, RunSummary } from '../model/reporter.ts';
import { countGrades } from '../model/reporter.ts';
import { citeRequirement, REQUIREMENTS } from '../model/requirements.ts';
import type { Finding } from '../model/verdict.ts';
import { printableJson } from '../protocol/printable.ts';

const SCHEMA_VERSION = 2;
const FILE_NAME = 'holdfast.json';

export const reporter: ReporterModule = {
  summary: `One JSON document: ${FILE_NAME} in the output folder, or standard output.`,
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
  skippedSenders,
  interrupted,
  evidenceDir,
  elapsedMs,
}: RunSummary) {
  const verdicts = results.map(({ verdict }) => verdict);
  return {
    schemaVersion: SCHEMA_VERSION,
    holdfast: run.holdfast,
    node: run.node,
    startedAt: run.startedAt,
    elapsedMs,
    interrupted,
    evidenceDir,
    summary: countGrades(verdicts),
    senders: run.senders.map(({ name, version, summary, capabilities }) => ({
      name,
      version,
      summary,
      capabilities,
      counts: countGrades(verdicts.filter((verdict) => verdict.sender === name)),
    })),
    skippedSenders,
    scenarios: run.scenarios.map(({ id, file, title, requirements, needs }) => ({
      id,
      file,
      title,
      requirements,
      needs,
    })),
    verdicts: verdicts.map((verdict) => ({
      ...verdict,
      findings: verdict.findings.map(withCitation),
    })),
  };
}

function withCitation(finding: Finding) {
  const known = Object.hasOwn(REQUIREMENTS, finding.requirement);
  return {
    ...finding,
    ...(known
      ? {
          level: REQUIREMENTS[finding.requirement]!.level,
          citation: citeRequirement(finding.requirement),
        }
      : {}),
  };
}
