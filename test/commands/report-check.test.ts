/** `report-check`: what is told of files, and the exit code. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { reportCheck } from '../../harness/commands/report-check.ts';
import { GOOD, mailOf, RFC_EXAMPLE, replaced } from '../tlsrpt/reports.ts';
import { testTerminal } from './terminal.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-report-check-'));
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: Buffer | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function run(files: readonly string[], { json = false, columns = 200 } = {}) {
  const { terminal, out } = testTerminal({ columns });
  const code = await reportCheck(files, { json }, terminal);
  return { code, out: out() };
}

describe('report-check', () => {
  it('is content with JSON, gzip and mail', async () => {
    const files = [
      await file('good.json', GOOD),
      await file('good.json.gz', gzipSync(GOOD)),
      await file('good.eml', mailOf()),
    ];
    const { code, out } = await run(files);
    expect(code).toBe(0);
    expect(out.match(/: nothing is wrong with it$/gm)).toHaveLength(3);
    expect(out).toContain('Not checked: whether the DKIM signature is valid');
  });

  it('tells of the RFC’s own example what differs from its text, and fails nobody for it', async () => {
    const { code, out } = await run([await file('rfc.json', RFC_EXAMPLE)]);
    expect(code).toBe(0);
    expect(out).toContain('3 not as in the RFC, but also seen elsewhere');
    expect(out).toContain('also seen policies[0].policy.mx-host (RFC 8460 §4.4, erratum 6241)');
  });

  it('is 1 where a MUST is broken, worst first, and 64 where a file is none', async () => {
    const broken = await file(
      'broken.json',
      replaced('"organization-name"', '"organisation-name"'),
    );
    const told = await run([broken]);
    expect(told.code).toBe(1);
    expect(told.out).toContain('1 breach of a MUST, 1 not as in the RFC, but also seen elsewhere');
    expect(told.out.indexOf('MUST organization-name')).toBeLessThan(
      told.out.indexOf('also seen organisation-name'),
    );

    const both = await run([broken, await file('bomb.gz', gzipSync(Buffer.alloc(5e6)))]);
    expect(both.code).toBe(64);
    expect(both.out).toMatch(/bomb\.gz: not read as a report: a gzip bomb/);

    const { code, out } = await run([join(folder, 'none.json'), folder]);
    expect(code).toBe(64);
    expect(out).toContain('cannot be opened: ENOENT');
    expect(out).toContain('cannot be opened: EISDIR');
  });

  it('keeps to the width of the terminal, and lets nothing of the report act on it', async () => {
    const path = await file(
      'hostile.json',
      replaced('Company-X', '\\u001b[2J\\u202e::error::\\u0000'),
    );
    const { out } = await run([path], { columns: 80 });
    expect(out).toContain('\\x1b[2J\\u202e::error::\\x00 reports for');
    expect(out).not.toMatch(/[\0\x1b\u202e]/);
    for (const line of out.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('--json is for programs', async () => {
    const { code, out } = await run(
      [await file('a.json', replaced('"sts"', '"STS"')), await file('b.json', '[]')],
      { json: true },
    );
    expect(code).toBe(64);
    expect(JSON.parse(out)).toMatchObject({
      files: [
        {
          file: join(folder, 'a.json'),
          kind: 'report',
          packing: [],
          report: { organization: 'Company-X', from: '2016-04-01T00:00:00.000Z' },
          findings: [{ path: 'policies[0].policy.policy-type', level: 'must' }],
          counts: { must: 1 },
          summary: { headline: expect.stringContaining('Company-X reports for 2016-04-01') },
        },
        { file: join(folder, 'b.json'), kind: 'refused', reason: expect.any(String) },
      ],
    });
  });
});
