/**
 * `report`: a run that was written down, told again by any reporter: the page of a night's run, or
 * JUnit from kept evidence.
 */

import { readRun } from '../results/read.ts';
import { chooseReporters, retell } from './tell.ts';
import { EXIT, type Terminal } from './terminal.ts';

export interface ReportRequest {
  readonly reporters: readonly string[];
  /** The folder for what they write. */
  readonly out?: string;
  readonly verbose?: boolean;
}

/**
 * Tells the run at `path`, a result file or a folder (results/read.ts). Nothing is judged again, and
 * whatever the senders scored the report has done its work: 0, or the code of a reporter that broke.
 * Throws UsageError for what cannot be read.
 */
export async function report(
  path: string,
  request: ReportRequest,
  terminal: Terminal,
): Promise<number> {
  const reporters = await chooseReporters(request, terminal);
  await retell(await readRun(path), reporters);
  return reporters.broken ? EXIT.harnessBroke : 0;
}
