import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CoverageRequest, coverage } from '../../harness/commands/coverage.ts';
import { run } from '../../harness/commands/run.ts';
import { REQUIREMENTS } from '../../harness/model/requirements.ts';
import { testTerminal } from './terminal.ts';

const FAULTY = 'reference:no-sni-to-mx';

async function told(request: CoverageRequest, columns = 100): Promise<string> {
  const { terminal, out } = testTerminal({ columns });
  expect(await coverage(request, terminal)).toBe(0);
  return out();
}

describe('holdfast coverage', () => {
  it('tells of every requirement what covers it, or why it is not, in lines that fit', async () => {
    const text = await told({});
    for (const id of Object.keys(REQUIREMENTS)) expect(text).toContain(`  ${id}\n`);
    expect(text).toContain(
      [
        '✓ MUST  8461-7.1-sni-smtp',
        '  RFC 8461 §7.1: TLS with an MX names that MX in SNI',
        '  scenarios tls/every-host, tls/sni, tls/sni-of-an-alias, tls/sni-on-every-try',
        '  faults    no-sni-to-further-mx, no-sni-to-mx, sni-of-the-alias, no-sni-on-retry',
      ].join('\n'),
    );
    expect(text).toMatch(/– MAY {2}3207-4-454-policy\n.*\n {2}because {3}The RFC leaves it/);
    expect(text).toMatch(/\nall +\d+ of \d+, \d+ % +\d+ of \d+, \d+ %\nthe aim /);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('can be asked for an RFC, a level, and what is not covered', async () => {
    const rowsIn = (text: string) =>
      [...text.matchAll(/^[✓✗–] ([A-Z ]+) {2}(\S+)$/gm)].map(([, level, id]) => [level!, id!]);
    const rows = rowsIn(await told({ rfc: '3207', level: 'SHOULD' }));
    expect(rows.length).toBeGreaterThan(2);
    for (const [level, id] of rows) {
      expect(level).toMatch(/^SHOULD/);
      expect(id).toMatch(/^3207-/);
    }
    expect(await told({ rfc: '8460', uncovered: true })).not.toContain('✓');
  });

  it('knows what the shipped senders fail', async () => {
    expect(await told({ rfc: '8996' })).toMatch(/\n {2}known {5}courier fails \d+ of \d+/);
  });

  it('says so where there is no such requirement', async () => {
    await expect(told({ rfc: '1\u001b[2J' })).rejects.toThrow('no requirement matches');
  });

  it('is JSON for programs', async () => {
    const { requirements, byRfc, all, aim } = JSON.parse(await told({ json: true }));
    expect(requirements).toHaveLength(Object.keys(REQUIREMENTS).length);
    expect(requirements.find(({ id }: { id: string }) => id === '8461-7.1-sni-smtp')).toEqual({
      id: '8461-7.1-sni-smtp',
      ...REQUIREMENTS['8461-7.1-sni-smtp'],
      covered: true,
      due: true,
      scenarios: [
        { scenario: 'tls/every-host@sni', faults: ['no-sni-to-further-mx'] },
        { scenario: 'tls/sni', faults: ['no-sni-to-mx'] },
        { scenario: 'tls/sni-of-an-alias', faults: ['sni-of-the-alias'] },
        { scenario: 'tls/sni-on-every-try', faults: ['no-sni-on-retry'] },
      ],
      named: [],
      knownToFail: [],
      verdicts: [],
    });
    expect(byRfc['RFC 8461'].MUST.of).toBe(95);
    expect(all.MUST.covered).toBeLessThanOrEqual(all.MUST.of);
    expect(aim).toEqual({ MUST: 0.98, SHOULD: 0.9 });
  });

  it('tells which attacks of the field are used, and why others are not', async () => {
    const text = await told({ attacks: true });
    expect(text).toContain('✓ S01  STARTTLS taken out\n       starttls/stripped@as-removed-line\n');
    expect(text).toMatch(/\n206 attacks: \d+ are used, \d+ can be written\n$/);
    expect(await told({ attacks: true, uncovered: true })).not.toContain('✓');
    const { attacks, of } = JSON.parse(await told({ attacks: true, json: true }));
    expect(attacks).toHaveLength(of);
  });

  describe('of a run', () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-coverage-'));
    const file = join(folder, 'holdfast.json');
    beforeAll(async () => {
      const senders = ['reference', FAULTY];
      const request = { scenarios: ['tls/sni'], senders, reporters: ['json'], out: folder };
      expect(await run(request, testTerminal().terminal)).toBe(1);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('tells how its senders did', async () => {
      const text = await told({ from: file, rfc: '8461' });
      expect(text).toContain(`\n  verdicts  reference 1 pass, ${FAULTY} 1 fail\n`);
    });

    it('shows what a sender is called by its letters alone', async () => {
      const { default: result } = await import(file, { with: { type: 'json' } });
      const hostile = JSON.stringify(result).replaceAll(FAULTY, 'mta\\u001b[2J');
      const path = join(folder, 'hostile.json');
      writeFileSync(path, hostile);
      for (const json of [false, true]) {
        const text = await told({ from: path, rfc: '8461', json });
        expect(text).toContain('mta');
        expect(text).not.toContain('\u001b');
      }
    });
  });
});
