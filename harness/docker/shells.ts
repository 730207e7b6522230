/**
 * Shells in a container. They are kept: to start one costs the engine more than most commands do.
 */

import { randomBytes } from 'node:crypto';
import { type Duplex, PassThrough } from 'node:stream';
import { SenderError } from '../model/sender.ts';
import { lastWords } from '../process/lines.ts';
import { MOST_OUTPUT_CHARS, TOO_LATE, WITHIN_SECONDS } from '../process/shell.ts';
import { printable } from '../protocol/printable.ts';
import type { Dockerode } from './engine.ts';

export interface Shells {
  /**
   * What the command prints, on standard output and standard error; its standard input is empty.
   * Throws SenderError when it fails, takes longer than a minute (it goes on in the container,
   * unheard), or cannot be run.
   */
  run(command: string, environment: Readonly<Record<string, string>>): Promise<string>;
  /**
   * To be called before the container stops. What is run after that has a shell of its own again.
   */
  close(): void;
}

/** A line end, the mark, an exit code. */
const LONGEST_END_CHARS = 32;

interface Ran {
  readonly output: string;
  readonly exitCode: number;
}

interface Shell {
  /** Rejects with an Error that says why there is no answer; the shell is of no use then. */
  run(script: string): Promise<Ran>;
  isOpen(): boolean;
  close(): void;
}

/** @param title of the container, for errors */
export function keepShells(dockerode: Dockerode, id: string, title: string): Shells {
  /**
   * Idle ones, by the command that they were opened for: what one left running prints into no
   * other's output.
   */
  let idle = new Map<string, Shell[]>();
  const all = new Set<Shell>();
  const run = async (command: string, environment: Readonly<Record<string, string>>) => {
    const kept = idle.get(command) ?? [];
    idle.set(command, kept);
    let shell = kept.pop();
    if (!shell?.isOpen()) {
      shell = await openShell(dockerode, id);
      all.add(shell);
    }
    const ran = await shell.run(scriptOf(command, environment));
    kept.push(shell);
    return ran;
  };
  return {
    async run(command, environment) {
      const what = `in ${title}, ${printable(command, 80)}`;
      const { output, exitCode } = await run(command, environment).catch((error: Error) => {
        throw new SenderError(`${what} ${printable(error.message)}`);
      });
      if (exitCode !== 0)
        throw new SenderError(
          `${what} exited with code ${exitCode}${lastWords(output.split('\n'))}`,
        );
      return output;
    },
    close() {
      for (const shell of all) shell.close();
      all.clear();
      idle = new Map();
    },
  };
}

function scriptOf(command: string, environment: Readonly<Record<string, string>>): string {
  const given = Object.entries(environment).map(([name, value]) => `${name}=${quoted(value)} `);
  return `${given.join('')}/bin/sh -c ${quoted(command)} </dev/null 2>&1`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

async function openShell(dockerode: Dockerode, id: string): Promise<Shell> {
  const exec = await dockerode
    .getContainer(id)
    .exec({ Cmd: ['/bin/sh'], AttachStdin: true, AttachStdout: true });
  const stream: Duplex = await exec.start({ hijack: true, stdin: true });
  const output = new PassThrough().setEncoding('utf8');
  dockerode.modem.demuxStream(stream, output, output);
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => {});
  let open = true;
  const end = (why: string) => {
    open = false;
    over.reject(new Error(why));
    stream.destroy();
  };
  for (const event of ['error', 'end', 'close']) stream.once(event, () => end('was cut off'));
  let hear = (_text: string) => {};
  output.on('data', (text: string) => hear(text));

  return {
    isOpen: () => open,
    close: () => end('was ended'),
    async run(script) {
      const mark = randomBytes(12).toString('hex');
      const whole = new RegExp(`${mark}\n([^]*?)\n${mark} (\\d+)\n`);
      let said = '';
      const answer = new Promise<Ran>((resolve) => {
        hear = (text) => {
          said += text;
          if (said.length > MOST_OUTPUT_CHARS) end('printed too much');
          // Looked for only where it may have come by now: there may be much before it.
          if (!said.includes(`\n${mark} `, said.length - text.length - LONGEST_END_CHARS)) return;
          const found = whole.exec(said);
          if (found) resolve({ output: found[1]!, exitCode: Number(found[2]) });
        };
      });
      const timer = setTimeout(() => end(TOO_LATE), WITHIN_SECONDS * 1000);
      stream.write(`echo ${mark}; ${script}; printf '\\n%s %d\\n' ${mark} $?\n`);
      try {
        return await Promise.race([answer, over.promise]);
      } finally {
        clearTimeout(timer);
        hear = () => {};
      }
    },
  };
}
