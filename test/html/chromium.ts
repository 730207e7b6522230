/** A real browser for the tests of the report, where this machine has one. */

import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const PATHS = [
  process.env.HOLDFAST_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Undefined: there is none, and tests that need one are skipped. */
export const chromiumPath = PATHS.find((path) => path && existsSync(path));

export const HOW_TO_GET_IT =
  'no Chromium here: apt-get install chromium, or HOLDFAST_CHROMIUM=/path/to/it';

/** Root may not sandbox itself; the only page that is ever opened is the test's own. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}

export interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** What went wrong in it, refusals of its Content-Security-Policy included. */
  readonly complaints: string[];
  /** What it asked for, besides itself. */
  readonly requests: string[];
}

/** A page of a file, drawn. */
export async function openFile(
  browser: Browser,
  file: string,
  hash = '',
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const own = pathToFileURL(file).href;
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== own) requests.push(request.url());
  });
  await page.goto(own + hash);
  await page.locator('main:visible h1').waitFor();
  return {
    page,
    complaints,
    requests,
    [Symbol.asyncDispose]: () => context.close(),
  };
}
