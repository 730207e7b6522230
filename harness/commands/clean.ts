/**
 * `clean`: removes what killed runs have left with Docker.
 */

import { connectEngine } from '../docker/engine.ts';
import { type SweepOptions, sweep } from '../docker/sweep.ts';
import { SenderError } from '../model/sender.ts';
import { printable } from '../protocol/printable.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** Says what was removed, and what was left alone. */
export async function clean(options: SweepOptions, terminal: Terminal): Promise<number> {
  try {
    const { dockerode } = await connectEngine();
    const { containers, networks, images, kept, stuck } = await sweep(dockerode, options);
    for (const [kind, names] of Object.entries({
      container: containers,
      network: networks,
      image: images,
    }))
      for (const name of names) terminal.write(`removed ${kind} ${printable(name, 80)}\n`);
    for (const { kind, name, why } of stuck)
      terminal.write(
        `Docker does not let go of the ${kind} ${printable(name, 80)}; it does when it is restarted (${printable(why, 200)})\n`,
      );
    if (containers.length + networks.length + images.length + stuck.length === 0)
      terminal.write('nothing to remove\n');
    if (kept.length > 0)
      terminal.write(
        `left alone: ${kept.map((run) => printable(run, 40)).join(', ')}, whose process runs, or is not on this machine; --all removes it too\n`,
      );
    return 0;
  } catch (error) {
    if (!(error instanceof SenderError)) throw error;
    terminal.complain(error.message);
    return EXIT.harnessBroke;
  }
}
