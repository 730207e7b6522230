/** What becomes of a run when somebody takes its lab away. */

import { expect, it } from 'vitest';
import { describeWithEngine, engine, leftBy, NOTHING } from './engine.ts';
import { start } from './process.ts';

/** Of a run whose results come in: the lab's container and network. */
async function inMidRun() {
  const run = start(['run', 'starttls', 'queue', '--sender', 'postfix', '--verbose']);
  await run.saw(/^. starttls\/\S+ · postfix/m);
  const { containers, networks } = await leftBy(run.child.pid!);
  const names = await Promise.all(
    containers.map(async (id) => ({
      id,
      name: (await engine.dockerode.getContainer(id).inspect()).Name,
    })),
  );
  const lab = names.find(({ name }) => /-lab-/.test(name))!.id;
  return { ...run, lab, network: networks[0]!, pid: run.child.pid! };
}

describeWithEngine('a run in which', () => {
  it.each<[string, (lab: string, network: string) => Promise<unknown>]>([
    ['the lab is killed', (lab) => engine.dockerode.getContainer(lab).kill()],
    [
      'the network is taken from the lab',
      (lab, network) =>
        engine.dockerode.getNetwork(network).disconnect({ Container: lab, Force: true }),
    ],
  ])('%s ends, tells what is known and why, and leaves nothing', async (_, end) => {
    const { ended, lab, network, pid } = await inMidRun();
    await end(lab, network);
    const { code, out } = await ended;
    expect(out).toMatch(/^\d+ verdicts? /m);
    expect(out).toContain('postfix: the lab has gone');
    expect(out).not.toMatch(/\d+ fail/);
    expect(code).toBe(70);
    expect(await leftBy(pid)).toEqual(NOTHING);
  });
});
