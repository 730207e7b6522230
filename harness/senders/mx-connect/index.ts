/**
 * The sender `mx-connect`: a Node library that people deploy, with nodemailer as its SMTP client,
 * neither of them changed.
 *
 * Both are development dependencies: Holdfast runs mx-connect in a process of its own and never
 * links with it (EUPL).
 */

import { createRequire } from 'node:module';

import type { Sender } from '../../model/sender.ts';
import { siblingProgram } from '../node/launch.ts';
import { nodeSender } from '../node/node-sender.ts';

export const mxConnect: Sender = nodeSender({
  name: 'mx-connect',
  version: versionOf('mx-connect') ?? 'not installed',
  summary: 'the npm library mx-connect (MTA-STS) with nodemailer, mail queue in memory',
  capabilities: ['mta-sts', 'testing-mode', 'queue', 'time-travel', 'queue-lifetime'],
  program: siblingProgram('./program', import.meta.url),
  async unavailable() {
    const missing = ['mx-connect', 'nodemailer'].filter((name) => versionOf(name) === undefined);
    if (missing.length === 0) return undefined;
    return `${missing.join(' and ')} cannot be found beside Holdfast: npm install --no-save mx-connect@2.0.0 nodemailer@10.6.0`;
  },
});

/** The version of an installed package; undefined when it cannot be resolved from here. */
function versionOf(name: string): string | undefined {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}
