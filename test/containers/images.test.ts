import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureImage, ensurePulled, type ImageSource } from '../../harness/docker/images.ts';
import { SenderError } from '../../harness/model/sender.ts';
import { BASE_IMAGE, describeWithEngine, engine, removeImages } from './engine.ts';

const NAME = 'the test of images';

describeWithEngine('an image', () => {
  let context: string;
  beforeAll(async () => {
    context = await mkdtemp(join(tmpdir(), 'holdfast-images-'));
    await write('Dockerfile', `FROM ${BASE_IMAGE}\nARG COLOR=red\nCOPY start.sh /\n`);
    await write('start.sh', 'echo 1\n');
  });
  afterAll(async () => {
    await rm(context, { recursive: true });
    await removeImages(NAME);
  });
  const write = (name: string, text: string) => writeFile(join(context, name), text);
  const ensure = async (changes: Partial<ImageSource> = {}) => {
    const told: string[] = [];
    const source = { name: NAME, repository: 'holdfast-test', context, args: {}, ...changes };
    const tag = await ensureImage(engine.dockerode, source, (line) => told.push(line));
    return { tag, told };
  };

  it('is built once for the same content, and anew when anything that goes into it has changed', async () => {
    const first = await ensure();
    expect(first.told).toEqual([`building the image of ${NAME}; once only, this takes a minute`]);
    expect(await ensure()).toEqual({ tag: first.tag, told: [] });

    const tags = [first.tag];
    tags.push((await ensure({ args: { COLOR: 'blue' } })).tag);
    await write('start.sh', 'echo 2\n');
    tags.push((await ensure()).tag);
    await chmod(join(context, 'start.sh'), 0o755);
    tags.push((await ensure()).tag);
    await write('other', '');
    tags.push((await ensure()).tag);
    expect(new Set(tags).size).toBe(5);

    // What is not named does not go in.
    const part = await ensure({ paths: ['Dockerfile', 'start.sh'] });
    await write('other', 'changed');
    expect(await ensure({ paths: ['Dockerfile', 'start.sh'] })).toEqual({
      tag: part.tag,
      told: [],
    });
  });

  it('that cannot be built: the end of what was said is told, made fit to print', async () => {
    await write('broken', `FROM ${BASE_IMAGE}\nRUN printf 'no package \\033[2Jfoo\\n' && exit 7\n`);
    const error = await ensure({ dockerfile: 'broken' }).then(String, (error: unknown) => error);
    expect(error).toBeInstanceOf(SenderError);
    const { message } = error as SenderError;
    expect(message).toMatch(
      /^the image of the test of images cannot be built: .*returned a non-zero code: 7/,
    );
    expect(message).toContain('\n  no package \\x1b[2Jfoo\n');
    expect(message).toMatch(
      /packages come from the network when it is built for the first time\.$/,
    );
  });

  it('is built no further when a signal ends it', async () => {
    await write('endless', `FROM ${BASE_IMAGE}\nRUN echo begun; sleep 600\n`);
    const stop = new AbortController();
    const source = {
      name: NAME,
      repository: 'holdfast-test',
      context,
      args: {},
      dockerfile: 'endless',
    };
    const building = () =>
      engine.dockerode.listContainers({ filters: { ancestor: [BASE_IMAGE], status: ['running'] } });
    const ours = new Set((await building()).map(({ Id }) => Id));
    const steps = async () =>
      (await building()).filter(
        ({ Id, Command }) => !ours.has(Id) && Command.includes('sleep 600'),
      );
    const error = ensureImage(engine.dockerode, source, () => {}, stop.signal).catch(
      (failure: unknown) => failure,
    );
    await expect.poll(steps).toHaveLength(1);
    stop.abort();
    expect(await error).toBeInstanceOf(SenderError);
    await expect.poll(steps).toEqual([]);
  });

  it('that is not there and cannot be pulled: says so', async () => {
    // Nobody listens at the discard port.
    const image = '127.0.0.1:9/holdfast-is-not-there:1';
    const told: string[] = [];
    await expect(ensurePulled(engine.dockerode, image, (line) => told.push(line))).rejects.toThrow(
      /^the image 127\.0\.0\.1:9\/holdfast-is-not-there:1 is not here and cannot be pulled: .*[^\s.]\. Build it, or correct its name\.$/s,
    );
    expect(told).toEqual([`pulling ${image}`]);
  });
});
