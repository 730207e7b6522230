/**
 * Any Node mail program as a sender: a child process whose names and connections the preload turns
 * into the lab.
 *
 * The program speaks the few messages of protocol.ts; it knows nothing of virtual addresses.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type LabAccess,
  type Sender,
  type SenderDescription,
  UncarriedError,
} from '../../model/sender.ts';
import { trustFile } from '../../process/environment.ts';
import { launchProgram } from './launch.ts';

export interface NodeSenderOptions extends SenderDescription {
  /** The module to run; it answers the requests of protocol.ts. */
  readonly program: URL;
  /** As in Sender. */
  readonly unavailable: Sender['unavailable'];
}

/** A sender that runs `program` in one warm child process for all scenarios. */
export function nodeSender({ program, ...description }: NodeSenderOptions): Sender {
  return {
    ...description,
    perInstance: 'run',
    async start(lab, onStatus) {
      const trust = await writeTrust(lab);
      const removeTrust = () => rm(trust.folder, { recursive: true, force: true });
      const launch = async () => {
        const launched = await launchProgram({
          name: description.name,
          program,
          trustPath: trust.path,
          lab,
          onMessage(message) {
            if (message.kind !== 'status') return;
            const { token, status, detail } = message;
            onStatus({ token, status, detail });
          },
        });
        await launched.ready();
        return launched;
      };
      let running = await launch().catch(async (error) => {
        await removeTrust();
        throw error;
      });
      return {
        submit: async (message) => {
          const { also, from, body, smtputf8, requiretls } = message;
          // The programs know a message with one recipient, from somebody, and no more.
          if (also || from === '' || body || smtputf8 || requiretls)
            throw new UncarriedError('the program is given plain messages only');
          await running.ask({ kind: 'submit', message });
        },
        flush: (domains) => running.ask({ kind: 'flush', domains }),
        advance: (seconds, domains) => running.ask({ kind: 'advance', seconds, domains }),
        async restart() {
          await running.stop();
          running = await launch();
        },
        async [Symbol.asyncDispose]() {
          await running.stop();
          await removeTrust();
        },
      };
    },
  };
}

/** The lab's authorities in a file, for NODE_EXTRA_CA_CERTS. */
async function writeTrust(lab: LabAccess): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const path = join(folder, 'authorities.pem');
  await writeFile(path, trustFile(lab));
  return { folder, path };
}
