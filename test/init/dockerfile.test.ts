import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSetUp } from '../../harness/init/dockerfile.ts';
import { findPackage } from '../../harness/shipped.ts';

it('reads files, what is run on them, and what is started', () => {
  const setUp = readSetUp(
    [
      '# COPY not this',
      'FROM debian',
      'RUN apt-get install \\',
      ' && clean',
      'COPY main.cf /etc/postfix/',
      'COPY one.sh etc/two.sh /',
      'COPY a.conf /etc/b.conf',
      'RUN configure \\',
      '      --all',
      'CMD ["sh", "/one.sh"]',
      '',
    ].join('\n'),
  );
  expect(setUp).toEqual({
    files: {
      '/etc/postfix/main.cf': 'main.cf',
      '/one.sh': 'one.sh',
      '/two.sh': 'etc/two.sh',
      '/etc/b.conf': 'a.conf',
    },
    commands: ['configure --all'],
    start: ['sh', '/one.sh'],
  });
});

it('a Dockerfile that starts nothing is refused', () => {
  expect(() => readSetUp('FROM debian\n')).toThrow('no CMD');
});

const { servers } = findPackage();
const built = readdirSync(servers).filter((name) =>
  readdirSync(join(servers, name)).includes('Dockerfile'),
);

it.each(built)('of %s, every file that is not the harness’s is put in place', (name) => {
  const folder = join(servers, name);
  const { files, start } = readSetUp(readFileSync(join(folder, 'Dockerfile'), 'utf8'));
  const own = ['Dockerfile', 'sender.yaml', 'known.yaml', 'samples.log'];
  expect(Object.values(files).sort()).toEqual(
    readdirSync(folder)
      .filter((file) => !own.includes(file))
      .sort(),
  );
  expect(start).not.toEqual([]);
});
