import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Trial } from '../../harness/model/verdict.ts';
import { withoutPrivate } from '../../harness/results/private.ts';
import { tarOf } from '../../harness/results/tar.ts';
import { observed, scenario, sender, trial } from '../reporters/fixtures.ts';

const MACHINE = { home: '/home/ada', host: 'adas-laptop' };

describe('what is left out', () => {
  const withEvents = (events: Parameters<typeof observed>[0]): Trial =>
    trial({ scenario: scenario('a'), sender: sender(), observations: observed(events) });
  const status = (detail: string) =>
    withEvents([{ kind: 'sender-status', token: 't', status: 'deferred', detail }]);
  const leftOf = (from: Trial) => JSON.stringify(withoutPrivate(from, MACHINE));

  it.each([
    [
      'a private key',
      '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----',
      'MHcCAQEE',
    ],
    ['a private key that is cut short', '-----BEGIN PRIVATE KEY-----\nMIIEvQIB', 'MIIEvQIB'],
    ['the home folder', 'cannot read /home/ada/mail/queue', 'ada'],
    ['the name of the machine', 'adas-laptop postfix/smtp[7]: deferred', 'adas'],
  ])('%s', (_, detail, secret) => {
    expect(leftOf(status(detail))).not.toContain(secret);
  });

  it('the path of a scenario of one’s own, but for its name', () => {
    const own = trial({
      scenario: scenario('mine', { file: '/srv/secret-project/mine.yaml' }),
      sender: sender(),
      observations: [],
    });
    expect(withoutPrivate(own, MACHINE).scenario.file).toBe('mine.yaml');
    expect(withoutPrivate(trial(), MACHINE).scenario.file).toMatch(/^scenarios\//);
  });

  it('other messages in a queue', () => {
    const listed = withEvents([
      { kind: 'message-submitted', token: 'own', from: 'a@sender.test', to: 'b@victim.test' },
      { kind: 'queue-listed', tokens: ['other', 'own'] },
    ]);
    expect(leftOf(listed)).not.toContain('other');
    expect(leftOf(listed)).toContain('["own"]');
  });

  it('nothing else', () => {
    const plain = status('450 4.7.1 no TLS');
    expect(withoutPrivate(plain, MACHINE)).toEqual(plain);
    expect(withoutPrivate(plain, { home: '/root', host: '250' })).toEqual(plain);
  });
});

describe('an archive', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tar-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is one that tar reads', () => {
    const files = ['', 'x', 'y'.repeat(512), 'z'.repeat(1025)].map((text, index) => ({
      name: `bug/file-${index}`,
      content: Buffer.from(text),
    }));
    writeFileSync(join(folder, 'a.tar'), tarOf(files));
    execFileSync('tar', ['xf', 'a.tar'], { cwd: folder });
    for (const { name, content } of files)
      expect(readFileSync(join(folder, name))).toEqual(content);
  });

  it('has no room for a name of more than 100 bytes', () => {
    expect(() => tarOf([{ name: 'é'.repeat(51), content: Buffer.alloc(0) }])).toThrow(RangeError);
  });
});
