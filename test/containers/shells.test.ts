/**
 * Commands in a container: a mail server's queue is read, and its log judged, by what they print.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningContainer } from '../../harness/docker/container.ts';
import { ensurePulled } from '../../harness/docker/images.ts';
import { SenderError } from '../../harness/model/sender.ts';
import { BASE_IMAGE, describeWithEngine, engine, leftBy, NOTHING, startOne } from './engine.ts';

describeWithEngine('a command in a container', () => {
  let container: RunningContainer;
  beforeAll(async () => {
    await ensurePulled(engine.dockerode, BASE_IMAGE, () => {});
    ({ container } = await startOne({ command: ['sleep', '600'] }));
  });
  afterAll(async () => {
    await container?.[Symbol.asyncDispose]();
    expect(await leftBy(process.pid)).toEqual(NOTHING);
  });

  it('has its output whole, of both kinds and without an end of line', async () => {
    expect(await container.run('printf one; printf two >&2')).toBe('onetwo');
    expect(await container.run('seq 200000')).toHaveLength(1_288_895);
    expect(await container.run(':')).toBe('');
  });

  it('has its environment, quotes and line ends included, and nothing to read', async () => {
    const ODD = `it's "$HOME" \\ \n two`;
    expect(await container.run('printf %s "$ODD"; cat', { ODD })).toBe(ODD);
    expect(await container.run('printf %s "$ODD"; cat')).toBe('');
  });

  it('fails with its last words, and the next one is not disturbed', async () => {
    await expect(container.run('echo "no such queue" >&2; exit 3')).rejects.toThrow(
      new SenderError(
        'in a test, echo "no such queue" >&2; exit 3 exited with code 3; its last words:\n  no such queue',
      ),
    );
    await expect(container.run('if')).rejects.toThrow('exited with code 2');
    expect(await container.run('echo well')).toBe('well\n');
  });

  it('waits for no other', async () => {
    const slow = container.run('until [ -e /tmp/go ]; do sleep 0.01; done; echo slow');
    expect(await container.run('touch /tmp/go; echo quick')).toBe('quick\n');
    expect(await slow).toBe('slow\n');
  });

  it('is over when it is, though it left something running that prints', async () => {
    const command = '(until [ -e "/tmp/print$N" ]; do sleep 0.01; done; echo late) & echo done';
    expect(await container.run(command, { N: '1' })).toBe('done\n');
    await container.run('touch /tmp/print1; sleep 0.1');
    expect(await container.run(command, { N: '2' })).toBe('done\n');
  });

  it('is run after a restart as before, and one that a restart cut off fails', async () => {
    const cut = container
      .run('touch /tmp/begun; exec sleep 600')
      .catch((error: Error) => error.message);
    await container.run('until [ -e /tmp/begun ]; do sleep 0.01; done');
    await container.restart();
    expect(await cut).toContain('was ended');
    expect(await container.run('echo well')).toBe('well\n');
  });
});
