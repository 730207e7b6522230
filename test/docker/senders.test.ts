/**
 * Each sender's log patterns against lines that its server really wrote: a line is what it is said
 * to be, and nothing else.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const FOLDER = new URL('../../docker/senders/', import.meta.url);
const STATUSES = ['sent', 'deferred', 'bounced'] as const;

describe.each(readdirSync(fileURLToPath(FOLDER)))('%s', (name) => {
  const read = (file: string) => readFileSync(new URL(`${name}/${file}`, FOLDER), 'utf8');
  const {
    name: declared,
    log,
    differs,
  } = parse(read('sender.yaml')) as {
    name: string;
    differs?: string[];
    log: Record<string, string>;
  };
  const samples = read('samples.log')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);

  test('says what is set otherwise than it ships, and why', () => {
    for (const one of differs ?? []) expect(one).toContain(': ');
    expect(differs?.length).toBeGreaterThan(0);
  });

  test('is named after its folder, and has a line of each kind', () => {
    expect(declared).toBe(name);
    expect([...new Set(samples.map(([kind]) => kind))]).toEqual(
      expect.arrayContaining([...STATUSES]),
    );
  });

  test.each(samples)('%s: %s', (kind, line) => {
    const matched = STATUSES.filter((status) => new RegExp(log[status]!).test(line));
    expect(matched).toEqual(kind === 'none' ? [] : [kind]);
    if (kind !== 'none')
      expect(new RegExp(log[kind]!).exec(line)?.groups?.recipient).toMatch(/^hf[a-z0-9]{12}@/);
  });
});
