/**
 * The gitlab reporter: GitLab's code quality report, which a merge request shows as what it makes
 * worse and better. An array of issues; GitLab knows each again by its fingerprint.
 *
 *   artifacts: { reports: { codequality: holdfast-out/gl-code-quality-report.json } }
 */

import { createHash } from 'node:crypto';
import { citation } from '../model/citation.ts';
import type { KnownNoMore } from '../model/known.ts';
import type { ReporterModule } from '../model/reporter.ts';
import { exposureOf, gradeWord } from '../model/verdict.ts';
import { printable, printableJson } from '../protocol/printable.ts';
import { type Alert, alertsOf } from './alerts.ts';
import { noMoreLine } from './failure-text.ts';

const FILE_NAME = 'gl-code-quality-report.json';

export const reporter: ReporterModule = {
  summary: `A code quality report for GitLab: ${FILE_NAME} in the output folder, or standard output.`,
  file: FILE_NAME,
  create: (context) => ({
    async onEnd(summary) {
      const issues = [...alertsOf(summary).map(toIssue), ...summary.knownNoMore.map(noMoreIssue)];
      const document = `${printableJson(issues)}\n`;
      if (context.outDir === undefined) context.write(document);
      else await context.writeFile(FILE_NAME, document);
    },
  }),
};

function toIssue(alert: Alert) {
  const { finding, place, fingerprint } = alert;
  return {
    description: describe(alert),
    check_name: printable(finding.requirement, 80),
    fingerprint,
    severity: severityOf(alert),
    location: { path: printable(place, 500), lines: { begin: 1 } },
  };
}

/** An entry of the list of known failures that is wrong, where it stands. */
function noMoreIssue(wrong: KnownNoMore) {
  const { sender, kind, entry } = wrong;
  return {
    description: noMoreLine(wrong),
    check_name: 'known-no-more',
    fingerprint: createHash('sha256')
      .update([sender, kind, entry.file, entry.scenarios].join('\0'))
      .digest('hex'),
    severity: 'major',
    location: { path: printable(entry.file, 500), lines: { begin: entry.line } },
  };
}

/** `fail: postfix, starttls/stripped@as-removed-line: content delivered in clear (RFC 8461 §5: …)` */
function describe({ verdict, finding, shown, known }: Alert): string {
  const why = known === undefined ? '' : ` (${printable(known.reason, 200)})`;
  return [
    `${gradeWord(shown)}${why}`,
    `${printable(verdict.sender, 80)}, ${printable(verdict.scenario, 120)}`,
    `${printable(finding.actual)} (${citation(finding.requirement)})`,
  ].join(': ');
}

/** Of info, minor, major, critical and blocker. */
function severityOf({ finding, shown }: Alert): string {
  if (shown === 'fail') return exposureOf(finding.harm) === 'content' ? 'critical' : 'major';
  return shown === 'warn' ? 'minor' : 'info';
}
