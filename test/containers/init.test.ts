/** `init`, and the command that it prints: for a sender that is built, and for a fresh image. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ensureImage } from '../../harness/docker/images.ts';
import { describeWithEngine, engine, removeImages } from './engine.ts';
import { holdfast } from './process.ts';

/** A server as its owner has it: installed, and nothing of Holdfast's in it. */
const FRESH = `FROM debian:trixie-slim
RUN apt-get update \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates postfix postfix-mta-sts-resolver \\
 && rm -rf /var/lib/apt/lists/*
CMD ["postfix", "start-fg"]
`;
const TITLE = 'a fresh image';

describeWithEngine('init, and what it says is next', () => {
  const folders: string[] = [];
  const emptyFolder = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-init-'));
    folders.push(folder);
    return folder;
  };
  afterAll(async () => {
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
    await removeImages(TITLE);
  });

  /** Runs init, and then what it prints. */
  const initAndNext = async (...flags: string[]) => {
    const folder = await emptyFolder();
    const { out, err } = await holdfast('init', folder, '--yes', ...flags);
    expect(err).toBe('');
    const [, words] = /^Next: holdfast (.*)$/m.exec(out)!;
    return { folder, next: await holdfast(...words!.split(' ')) };
  };

  it('for postfix: its contract is proved, and its own scenario passes', async () => {
    const { folder, next } = await initAndNext('--like', 'postfix');
    expect(next, next.out).toMatchObject({ code: 0 });
    expect(next.out).toMatch(/^my-mta .* 0 to mend · 2 skipped$/m);
    expect(next.out.match(/tlsrpt(?:-mail)? not declared in capabilities/g)).toHaveLength(2);
    const ran = await holdfast(
      'run',
      join(folder, 'scenarios'),
      '--sender',
      join(folder, 'my-mta'),
    );
    expect(ran, ran.out).toMatchObject({ code: 0 });
    expect(ran.out).toMatch(/^1 verdict .* 1 pass$/m);
  });

  it('for a fresh image: its contract is proved', async () => {
    const context = await emptyFolder();
    await writeFile(join(context, 'Dockerfile'), FRESH);
    const image = await ensureImage(
      engine.dockerode,
      { name: TITLE, repository: 'holdfast-fresh', context, args: {} },
      () => {},
    );
    const { next } = await initAndNext('--like', 'postfix', '--image', image);
    expect(next, next.out).toMatchObject({ code: 0 });
    expect(next.out).toMatch(/^my-mta .* 0 to mend · 2 skipped$/m);
    expect(next.out.match(/tlsrpt(?:-mail)? not declared in capabilities/g)).toHaveLength(2);
  });
});
