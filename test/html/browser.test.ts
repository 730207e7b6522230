import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../harness/commands/run.ts';
import { coverageOf, isCovered } from '../../harness/coverage/coverage.ts';
import { GAPS } from '../../harness/coverage/gaps.ts';
import { readProofs } from '../../harness/coverage/proofs.ts';
import { REQUIREMENTS } from '../../harness/model/requirements.ts';
import { reporter } from '../../harness/reporters/html.ts';
import { testTerminal } from '../commands/terminal.ts';
import { report } from '../reporters/fixtures.ts';
import { chromiumPath, HOW_TO_GET_IT, openFile, startChromium } from './chromium.ts';
import { hostileRun } from './hostile.ts';

const SENDERS = ['reference', 'reference:plaintext-when-starttls-missing'];
const WRONG = SENDERS[1]!;
const STRIPPED = 'starttls/stripped@as-removed-line';
const cellOf = (sender: string, scenario: string) =>
  `#${new URLSearchParams({ cell: `${sender} ${scenario}` })}`;

describe.skipIf(chromiumPath === undefined)(
  `the report in a browser${chromiumPath ? '' : ` (${HOW_TO_GET_IT})`}`,
  () => {
    let browser: Browser;
    let folder: string;
    let real: string;
    let hostile: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'holdfast-html-'));
      real = join(folder, 'holdfast.html');
      hostile = join(folder, 'hostile.html');
      const { terminal } = testTerminal();
      await run(
        {
          scenarios: ['starttls/stripped', 'tls/sni', 'mx-matching/wildcard'],
          senders: SENDERS,
          reporters: ['html'],
          jobs: 2,
          out: folder,
        },
        terminal,
      );
      await writeFile(hostile, (await report(reporter, hostileRun())).out);
      browser = await startChromium();
    }, 120_000);
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true });
    });

    it('shows the matrix and the causes, and asks for nothing', async () => {
      await using opened = await openFile(browser, real);
      const { page, complaints, requests } = opened;
      const rows = page.getByRole('grid').getByRole('row');
      await expect.poll(() => rows.count()).toBe(4);
      expect(await rows.nth(0).textContent()).toContain(WRONG);
      expect(
        await page
          .getByRole('gridcell', { name: `starttls/stripped (3), ${WRONG}: fail 3` })
          .textContent(),
      ).toBe('✗ 3');
      expect(await page.locator('.causes > li').first().textContent()).toMatch(
        /MUST NOT[\s\S]*does not offer STARTTLS[\s\S]*in clear/,
      );
      expect([complaints, requests]).toEqual([[], []]);
    });

    it('filters, and the address keeps the filter', async () => {
      await using opened = await openFile(browser, real);
      const { page } = opened;
      const left = page.getByRole('status');
      await page.getByLabel('Verdict').selectOption('fail');
      await expect.poll(() => left.textContent()).toBe('3 verdicts of 16, 1 row');
      await page.getByLabel('each variant').check();
      await expect.poll(() => left.textContent()).toBe('3 verdicts of 16, 3 rows');
      await page.reload();
      await expect.poll(() => left.textContent()).toBe('3 verdicts of 16, 3 rows');
      await page.getByRole('link', { name: 'Clear' }).click();
      await page.getByRole('searchbox', { name: 'Text' }).fill('wildcard');
      await expect.poll(() => left.textContent()).toBe('8 verdicts of 16, 1 row');
      await page.getByLabel('Sender', { exact: true }).selectOption('reference');
      await expect.poll(() => left.textContent()).toBe('4 verdicts of 16, 1 row');
      await page.getByLabel('Folder').selectOption('tls');
      await expect.poll(() => left.textContent()).toBe('0 verdicts of 16, 0 rows');
    });

    it('tells which requirements are covered, how the senders did, and why others are not', async () => {
      await using opened = await openFile(browser, real);
      const { page, complaints, requests } = opened;
      await page.getByRole('link', { name: 'Coverage of the requirements' }).click();
      const rows = page.locator('#coverage table.requirements tbody tr');
      await expect.poll(() => rows.count()).toBe(Object.keys(REQUIREMENTS).length);
      const row = rows.filter({ hasText: '8461-7.1-sni-smtp' });
      expect(await row.getByRole('link').allTextContents()).toEqual(['✓', '✓']);
      await row.locator('summary').click();
      expect(await row.locator('li').allTextContents()).toEqual([
        'tls/sni',
        'reference:no-sni-to-mx',
      ]);
      await page.getByRole('link', { name: 'SHOULD', exact: true }).click();
      await page.getByRole('link', { name: 'not covered', exact: true }).click();
      const open = coverageOf([], readProofs(), GAPS).filter(
        (one) => /^SHOULD/.test(one.level) && !isCovered(one),
      );
      await expect.poll(() => rows.count()).toBe(open.length);
      expect(await rows.first().textContent()).toContain(`not covered: ${open[0]!.reason}`);
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('#coverage').count()).toBe(0);
      expect([complaints, requests]).toEqual([[], []]);
    });

    it('is worked by the keyboard: to a cell, into it, and back', async () => {
      await using opened = await openFile(browser, real);
      const { page } = opened;
      const focused = () => page.evaluate(() => document.activeElement?.ariaLabel);
      await page.locator('.matrix a').first().focus();
      await page.keyboard.press('Control+End');
      expect(await focused()).toMatch(/^mx-matching\/wildcard \(4\), reference: /);
      await page.keyboard.press('Control+Home');
      await page.keyboard.press('ArrowDown');
      expect(await focused()).toMatch(/^tls\/sni, reference: /);
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('End');
      expect(await focused()).toBe(`starttls/stripped (3), ${WRONG}: fail 3`);
      await page.keyboard.press('Enter');
      await page.locator('#cell h1').waitFor();
      await expect
        .poll(() => page.evaluate(() => document.activeElement?.textContent))
        .toMatch(/^✗ fail starttls\/stripped@/);
      await page.keyboard.press('Escape');
      await expect.poll(focused).toBe(`starttls/stripped (3), ${WRONG}: fail 3`);
    });

    it('opens a cell by its link: world, dialogue, exposure, what decided it, and the command', async () => {
      await using opened = await openFile(browser, real, cellOf(WRONG, STRIPPED));
      const { page, complaints, requests } = opened;
      const cell = page.locator('#cell');
      await cell.locator('.diagram li').first().waitFor();
      const text = await cell.textContent();
      for (const part of [
        'RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS',
        'mx1.victim.test: beforeTls.ehlo.remove',
        'Step 2: send “attacked”',
        'strip-starttls',
        'EXPOSED HERE',
        'Subject: holdfast hf',
        'TLSv1.3',
        `holdfast run ${STRIPPED} --sender ${WRONG}`,
      ])
        expect(text).toContain(part);
      const decided = await cell.locator('.diagram li.because').count();
      expect(decided).toBeGreaterThan(3);
      expect(await cell.locator('.transcript tr.because').count()).toBe(decided);
      expect(await cell.locator('.lane.attacked').textContent()).toContain('mx1.victim.test');
      expect(await cell.locator('.diagram li.exposed').allTextContents()).toContainEqual(
        expect.stringContaining('bytes of mail in clear'),
      );
      expect([complaints, requests]).toEqual([[], []]);
    });

    it('marks another finding by its link, and goes to an observation', async () => {
      await using opened = await openFile(
        browser,
        real,
        `${cellOf(WRONG, STRIPPED)}&finding=1&seen=3`,
      );
      const { page } = opened;
      await expect.poll(() => page.locator('#finding-1').getAttribute('class')).toBe('chosen');
      await expect
        .poll(() =>
          page.evaluate(() =>
            document.activeElement?.closest('[data-seq]')?.getAttribute('data-seq'),
          ),
        )
        .toBe('3');
    });

    it('says so where there is no such cell', async () => {
      await using opened = await openFile(browser, real, cellOf('nobody', '<script>'));
      expect(await opened.page.locator('#cell').textContent()).toContain('no such cell');
    });

    it('fits a narrow screen: nothing but the matrix and the diagram scrolls sideways', async () => {
      for (const hash of ['', cellOf(WRONG, STRIPPED)]) {
        await using opened = await openFile(browser, real, hash, {
          viewport: { width: 360, height: 640 },
        });
        const { page } = opened;
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      }
    });

    it('has text that stands out from what is behind it, in light and in dark', async () => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await using opened = await openFile(browser, real, cellOf(WRONG, STRIPPED), {
          colorScheme,
        });
        const { page } = opened;
        await page.locator('.diagram li').first().waitFor();
        expect(await page.evaluate(lowestContrast)).toBeGreaterThan(4.5);
      }
    });

    it('prints every row of the matrix', async () => {
      await using opened = await openFile(browser, real, '#variants=', {
        viewport: { width: 1280, height: 300 },
      });
      const { page } = opened;
      await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
      expect(await page.locator('.rows .row').count()).toBe(8);
      expect((await page.pdf()).length).toBeGreaterThan(10_000);
    });

    describe('what a sender says', () => {
      it('never runs and never becomes markup, in the matrix and in every cell', async () => {
        const hashes = ['', ...hostileRun().results.map((_, index) => index)];
        await using opened = await openFile(browser, hostile);
        const { page, complaints, requests } = opened;
        const foreign = () =>
          page.evaluate(() => ({
            owned: (globalThis as { owned?: number }).owned,
            markup: document.querySelectorAll(
              'img, iframe, object, [onmouseover], [onerror], body style',
            ).length,
            scripts: [...document.scripts].filter(({ type }) => type !== 'text/plain').length,
            links: [...document.links].filter(({ protocol }) => protocol !== 'file:').length,
            title: document.title.length < 1_000,
          }));
        const clean = { owned: undefined, markup: 0, scripts: 1, links: 0, title: true };
        expect(await foreign()).toEqual(clean);
        for (const index of hashes.slice(1)) {
          await page.locator('.matrix .rows a').nth(Number(index)).click();
          await page.locator('#cell .transcript tbody tr').nth(16).waitFor();
          await page.locator('#cell .said').first().hover();
          expect(await foreign()).toEqual(clean);
          await page.keyboard.press('Escape');
          await page.locator('#overview h1').waitFor();
        }
        expect([complaints, requests]).toEqual([[], []]);
      }, 120_000);

      it('is shown: what has no shape of its own by its number', async () => {
        await using opened = await openFile(browser, hostile);
        const { page } = opened;
        await page.locator('.matrix .rows a').first().click();
        const text = await page.locator('#cell').textContent();
        expect(text).toContain('<script>globalThis.owned = 1</script>');
        expect(text).toContain('\\u202etxt.exe');
        expect(text).toContain('\\x1b[2J');
        expect(text).toContain('\\x00');
        expect(text).toMatch(/and \d{6,} more characters/);
        expect(text).not.toMatch(/[\0\u001b\u202e\u2066\ue000-\uf8ff]/);
      });

      it('could not run if it came in: the policy of the page forbids it', async () => {
        await using opened = await openFile(browser, hostile);
        const { page, complaints } = opened;
        const attempts = await page.evaluate(() => {
          const attempt = (work: () => void) => {
            try {
              work();
              return 'done';
            } catch (error) {
              return (error as Error).name;
            }
          };
          return [
            attempt(() => document.body.insertAdjacentHTML('beforeend', '<b>x</b>')),
            attempt(() => {
              const script = document.createElement('script');
              script.textContent = 'globalThis.owned = 9';
              document.body.append(script);
            }),
            attempt(() => {
              const image = document.createElement('img');
              image.src = 'https://victim.test/x.png';
              document.body.append(image);
            }),
          ];
        });
        expect(attempts.slice(0, 2)).toEqual(['TypeError', 'TypeError']);
        expect(await page.evaluate(() => (globalThis as { owned?: number }).owned)).toBe(undefined);
        await expect.poll(() => complaints.join('\n')).toMatch(/img-src|default-src/);
      });
    });
  },
);

/** Of all text in sight, the lowest contrast with its background (WCAG 2.1 §1.4.3). */
function lowestContrast(): number {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const colorOf = (css: string) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb: readonly number[]) => {
    const [r, g, b] = rgb.map((part) => {
      const s = part / 255;
      return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const behind = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      const color = colorOf(getComputedStyle(at).backgroundColor);
      if (color[3]! > 0) return color;
    }
    return [255, 255, 255, 255];
  };
  const walker = document.createTreeWalker(
    document.querySelector('main:not([hidden])')!,
    NodeFilter.SHOW_TEXT,
  );
  let lowest = 21;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement!;
    if (node.textContent!.trim() === '' || element.getClientRects().length === 0) continue;
    const [a, b] = [
      luminance(colorOf(getComputedStyle(element).color)),
      luminance(behind(element)),
    ];
    lowest = Math.min(lowest, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return lowest;
}
