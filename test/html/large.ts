/**
 * How a large report does: `node test/html/large.ts EVIDENCE [SENDERS VARIANTS [KEEP]]` makes one of
 * 20 × 1,000 from the trials of a real run (`holdfast run --keep EVIDENCE`), each used several times
 * under other names, tokens and times, opens it in Chromium and prints what it took.
 */

import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReporters, resultOf, runInfo } from '../../harness/commands/tell.ts';
import type { Result, TrialResult } from '../../harness/model/reporter.ts';
import { ofKind } from '../../harness/model/traffic.ts';
import { readTrials } from '../../harness/store.ts';
import { loadReporters } from '../../harness/vocabulary.ts';
import { openFile, startChromium } from './chromium.ts';

const [evidence = 'holdfast-evidence', senders = '20', variants = '1000', keep] =
  process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'holdfast-large-'));
try {
  const file = await writeReport();
  console.log(`size           ${((await stat(file)).size / 1e6).toFixed(1)} MB`);
  await look(file);
  if (keep) await copyFile(file, keep);
} finally {
  await rm(folder, { recursive: true });
}

async function writeReport(): Promise<string> {
  const kept = await Array.fromAsync(readTrials(evidence));
  const terminal = {
    write: () => {},
    complain: console.error,
    isTerminal: false,
    columns: 100,
    color: false,
    signal: new AbortController().signal,
  };
  const reporters = openReporters(['html'], await loadReporters(), terminal, { outDir: folder });
  const results: Result[] = [];
  const [names, ids] = [new Map(), new Map()];
  const before = process.memoryUsage().rss;
  for (let sender = 0; sender < Number(senders); sender++)
    for (let variant = 0; variant < Number(variants); variant++) {
      const { trial, verdict } = kept[(sender * Number(variants) + variant) % kept.length]!;
      if (verdict === undefined) continue;
      const scenario = `${trial.scenario.id.split('@')[0]}@variant-${variant}`;
      const copy = disguise({ trial, verdict }, `mta-${sender}`, scenario);
      names.set(copy.trial.sender.name, copy.trial.sender);
      ids.set(scenario, ids.get(scenario) ?? copy.trial.scenario);
      await reporters.onVerdict(copy.verdict, copy.trial);
      results.push(resultOf(copy));
    }
  await reporters.onEnd({
    run: runInfo([...names.values()], [...ids.values()]),
    results,
    knownLists: [],
    knownNoMore: [],
    skippedSenders: [],
    interrupted: false,
    elapsedMs: 1,
  });
  console.log(`verdicts       ${results.length}, of ${kept.length} real trials`);
  console.log(`memory         ${((process.memoryUsage().rss - before) / 1e6).toFixed(0)} MB more`);
  return join(folder, 'holdfast.html');
}

/** Another trial to all appearances: no token and no time is the same. */
function disguise({ trial, verdict }: TrialResult, sender: string, id: string): TrialResult {
  const pace = 0.8 + Math.random() * 0.4;
  const tokens = ofKind(trial.evidence.observations, 'message-submitted').map(({ token }) => token);
  const text = tokens.reduce(
    (json, token) => json.replaceAll(token, `hf${randomBytes(6).toString('hex')}`),
    JSON.stringify(trial.evidence.observations),
  );
  const observations = JSON.parse(text).map((seen: { at: number }) => ({
    ...seen,
    at: seen.at * pace + Math.random(),
  }));
  return {
    verdict: { ...verdict, sender, scenario: id },
    trial: {
      scenario: { ...trial.scenario, id },
      sender: { ...trial.sender, name: sender },
      evidence: { observations },
    },
  };
}

async function look(file: string): Promise<void> {
  const browser = await startChromium();
  const began = performance.now();
  await using opened = await openFile(browser, file);
  const { page } = opened;
  await page.locator('.matrix .rows a').first().waitFor();
  console.log(`opens in       ${(performance.now() - began).toFixed(0)} ms`);
  const steps = [
    ['verdict', 'fail'],
    ['rfc', 'RFC 8461'],
    ['level', 'MUST'],
  ] as const;
  for (const [name, value] of steps)
    console.log(
      `filter ${name.padEnd(8)}${(await page.evaluate(filter, [name, value])).toFixed(0)} ms`,
    );
  for (const text of ['c', 'ce', 'cert', ''])
    console.log(
      `text ${JSON.stringify(text).padEnd(10)}${(await page.evaluate(type, text)).toFixed(0)} ms`,
    );
  console.log(`each variant   ${(await page.evaluate(check)).toFixed(0)} ms`);
  const opens = performance.now();
  await page.locator('.matrix .rows a').nth(25).click();
  await page.locator('#cell h1').waitFor();
  console.log(`a cell         ${(performance.now() - opens).toFixed(0)} ms`);
  console.log((await page.locator('.notice').allTextContents()).join('\n'));
  await browser.close();
}

// Each runs in the page, and gives the milliseconds until the layout is done.

function filter([name, value]: readonly [string, string]): number {
  const select = document.getElementById(`filter-${name}`) as HTMLSelectElement;
  const began = performance.now();
  select.value = value;
  select.dispatchEvent(new Event('change'));
  document.body.getBoundingClientRect();
  const took = performance.now() - began;
  select.value = '';
  select.dispatchEvent(new Event('change'));
  return took;
}

function type(text: string): number {
  const input = document.getElementById('q') as HTMLInputElement;
  const began = performance.now();
  input.value = text;
  input.dispatchEvent(new Event('input'));
  document.body.getBoundingClientRect();
  return performance.now() - began;
}

function check(): number {
  const began = performance.now();
  document.getElementById('variants')!.click();
  document.body.getBoundingClientRect();
  return performance.now() - began;
}
