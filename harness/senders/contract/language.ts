/**
 * The language of a `sender.yaml`: every key it may hold, what it takes and what it means.
 * Contracts are read by it, and the JSON Schema for editors is made from it, so the two cannot
 * differ. What takes two keys, or the disk, to tell is in load.ts.
 */

import { posix } from 'node:path';
import { z } from 'zod';
import { duration } from '../../model/duration.ts';
import { CAPABILITIES } from '../../model/sender.ts';
import { readAddress, readPrefix, showPrefix, sizeOf } from '../../protocol/ipv4.ts';
import { BUILT_IN } from '../built-in.ts';

/** The schema of a whole contract. */
export function contractLanguage() {
  return z
    .strictObject({
      name: z
        .string()
        .max(40)
        .regex(
          /^[a-z0-9]+(-[a-z0-9]+)*$/,
          'a sender is named in small letters, digits and single hyphens',
        )
        .regex(
          new RegExp(`^(?!(${BUILT_IN.join('|')})$)`),
          'a sender of this name is built into Holdfast: give it another',
        )
        .describe('What the sender is called on the command line and in verdicts.'),
      summary: line.describe('One line on what it is.'),
      version: version.describe('The version, in quotes, or how to ask for it.'),
      image: z
        .string()
        .max(255)
        .regex(
          /^[a-z0-9][A-Za-z0-9_]*([.:/@-]+[A-Za-z0-9_]+)*$/,
          'expected the name of an image, such as postfix:3.10',
        )
        .optional()
        .describe(
          'The image of the container. A contract has one of image, build, external and node.',
        ),
      build: build
        .optional()
        .describe(
          'How the image of the container is built. A contract has one of image, build, external and node.',
        ),
      external: external
        .optional()
        .describe(
          'The server runs where its owner put it, without a container. A contract has one of image, build, external and node.',
        ),
      node: node
        .optional()
        .describe(
          'The server is a Node program, run on this machine in a new folder of its own; its names and connections lead into the lab. A contract has one of image, build, external and node.',
        ),
      hostname: z
        .string()
        // Linux takes no more (HOST_NAME_MAX).
        .max(64)
        .regex(
          /^[A-Za-z0-9]+(-+[A-Za-z0-9]+)*(\.[A-Za-z0-9]+(-+[A-Za-z0-9]+)*)*$/,
          'expected a host name',
        )
        .optional()
        .describe("The container's host name."),
      environment: variables
        .default({})
        .describe('Environment variables of the container, or of the Node program.'),
      sysctls: z
        .record(
          z
            .string()
            .regex(
              /^net\.[\w./-]+$/,
              'a container has kernel settings of its own for its network only, such as net.unix.max_dgram_qlen',
            ),
          z.union([text, z.number()], 'expected a string or a number'),
        )
        .optional()
        .describe(
          "Kernel settings of the container's network (net.…), as the server's host has them.",
        ),
      files: z
        .record(path, text)
        .default({})
        .describe(
          'Files put into the container before it starts: absolute path there, to path as seen from the sender.yaml. Of a Node program: put into its folder, as if that were the root.',
        ),
      command: z
        .array(text)
        .min(1)
        .optional()
        .describe('What the container runs, word by word, in place of what its image does.'),
      trust: path.describe(
        "Where a PEM file with the lab's authorities is put before the server starts. A Node program gets it as NODE_EXTRA_CA_CERTS.",
      ),
      dnssec: path
        .optional()
        .describe(
          "Where a file with the key of the lab's DNS root, a DNSKEY record, is put before the server starts: the trust anchor of a validating resolver beside it.",
        ),
      dkim: path
        .optional()
        .describe(
          "Where a private key (RSA, PEM) of sender.test is put before the server starts, for the DKIM signatures of reports by mail. The lab's DNS has its public half, and the variable DKIM_SELECTOR its selector.",
        ),
      ready: ready.prefault({}).describe('How to tell that the server has started.'),
      submit: submit.describe('How the sender is given mail, by SMTP.'),
      log: log.describe('How the log tells what became of a message.'),
      commands: commands
        .default({})
        .describe(
          'Shell commands by which the sender is driven, run in the container or, without one, on this machine; for a Node program in its folder, with its $PID.',
        ),
      capabilities: z
        .array(z.enum(CAPABILITIES, { error: 'unknown capability' }))
        .describe(
          'What the sender can do. A scenario that needs what is not declared is unsupported. tlsrpt: it sends reports over HTTPS, and tlsrpt-mail: by mail; without commands.report nobody waits for them. dnssec: it validates by itself, from the key that is put at dnssec. requiretls: it offers REQUIRETLS where it takes mail, honours it and the header TLS-Required (RFC 8689). smart-host: mail for by-smart-host.D goes by the MX hosts of D, and for by-port-N.D to their port N. address-literal: it takes mail for user@[192.0.2.1]. refresh: it looks for new policies without any mail. backup-mx: it is the host mx.D of the domain D that it sends from, and knows it. required-tls: nothing goes in clear to tls-required.D.',
        ),
      limits: limits.prefault({}).describe('What it can bear.'),
      differs: z
        .array(line)
        .default([])
        .describe(
          'What is set otherwise than the software ships, and why: a line for each, for whoever reads its verdicts.',
        ),
    })
    .meta({ title: 'Holdfast sender', oneOf: PLACES.map((place) => ({ required: [place] })) });
}

/**
 * The JSON Schema of contracts (draft 2020-12), with which editors complete, explain and check them
 * as they are written.
 */
export function contractJsonSchema(): unknown {
  return z.toJSONSchema(contractLanguage(), { target: 'draft-2020-12', io: 'input' });
}

/** Where a server can be had from; a contract has one of these. */
export const PLACES = ['image', 'build', 'external', 'node'] as const;

// No program can be given one, in a path, an argument or the environment.
const text = z
  .string()
  .min(1, { abort: true })
  .regex(/^[^\0]*$/, 'holds a NUL character');
const line = text.regex(/^[^\r\n]*$/, 'expected one line');
const command = text.regex(/\S/, 'expected a command');

const path = text.refine(
  (value) => value.startsWith('/') && !value.endsWith('/') && posix.normalize(value) === value,
  'expected the absolute path of a file, without . and ..',
);

const pattern = text.superRefine((value, context) => {
  const flaw = patternFlaw(value);
  if (flaw !== undefined) context.addIssue({ code: 'custom', message: flaw, input: value });
});

/** Why this is no pattern for a line; undefined: it is one. */
function patternFlaw(value: string): string | undefined {
  const flaw = flawOf(value);
  if (flaw !== undefined) return `not a regular expression: ${flaw}`;
  // A block scalar (`|`) ends with one.
  if (/[\r\n]/.test(value))
    return 'patterns are matched line by line, and this one holds a line end';
  return new RegExp(value).test('')
    ? 'matches an empty line, and so any line: make it stricter'
    : undefined;
}

/** A pattern with these groups; or, of a log in JSON, one for each member that counts. */
function linePattern(groups: readonly string[], lacking: string) {
  return z
    .union(
      [text, z.record(text, text)],
      'expected a regular expression, or one for each member of a JSON object',
    )
    .superRefine((value, context) => {
      const refuse = (message: string, path: readonly string[] = []) =>
        context.addIssue({ code: 'custom', message, input: value, path: [...path] });
      if (typeof value === 'string') {
        const flaw = patternFlaw(value);
        if (flaw !== undefined) refuse(flaw);
        else if (!groups.every((group) => groupsOf(value).includes(group))) refuse(lacking);
        return;
      }
      if (Object.keys(value).length === 0) refuse('says of no member what it has to be');
      for (const [name, one] of Object.entries(value)) {
        const flaw = patternFlaw(one);
        if (flaw !== undefined) refuse(flaw, [name]);
      }
    });
}

const logPattern = linePattern(
  ['recipient'],
  'needs the named group (?<recipient>…), or nobody knows whose message the line is about',
);
const reasonPattern = linePattern(
  ['id', 'reason'],
  'needs the named groups (?<id>…) and (?<reason>…)',
);

/** Names of the groups of a regular expression. */
export function groupsOf(expression: string): string[] {
  // The empty alternative matches, and the match has every group there is.
  return Object.keys(new RegExp(`${expression}|`).exec('')?.groups ?? {});
}

function flawOf(value: string): string | undefined {
  try {
    new RegExp(value);
    return undefined;
  } catch (error) {
    // V8 puts the pattern, which may hold anything, before the reason.
    return error instanceof SyntaxError
      ? error.message.slice(error.message.lastIndexOf(': ') + 2)
      : String(error);
  }
}

const variables = z.record(
  z.string().regex(/^[A-Za-z_][\w.-]*$/, 'a variable is named in letters, digits and underscores'),
  z.union(
    [text, z.literal(''), z.number(), z.boolean()],
    'expected a string, a number, true or false',
  ),
);

const prefix = z.string().superRefine((value, context) => {
  const [, address = '', bits] = /^([\d.]+)\/(\d{1,2})$/.exec(value) ?? [];
  const number = readAddress(address);
  const length = Number(bits);
  const refuse = (message: string) => context.addIssue({ code: 'custom', message, input: value });
  if (number === undefined || length < 8 || length > 29)
    refuse('expected an IPv4 prefix of /8 to /29, such as 10.99.128.0/17');
  else if (readPrefix(value) === undefined) {
    const first = number - (number % sizeOf({ first: number, length }));
    refuse(`this prefix begins at ${showPrefix({ first, length })}`);
  }
});

const node = z.strictObject({
  program: text.describe('The module that is run, as seen from the sender.yaml.'),
  arguments: z.array(text).default([]).describe('What it is given on its command line.'),
});

const external = z.strictObject({
  dns: z
    .ipv4('expected an IPv4 address')
    .describe("The IPv4 address of this machine at which the lab's name server listens, port 53."),
  addresses: prefix.describe(
    'An IPv4 prefix (10.99.128.0/17) whose every address this machine takes for its own; mail exchangers get them.',
  ),
});

const build = z.strictObject({
  context: text.describe('The folder with the Dockerfile, as seen from the sender.yaml.'),
  args: variables.default({}).describe('Build arguments (ARG).'),
});

const version = z.union(
  [
    line.describe('The version, in quotes.'),
    z.strictObject({
      command: command.describe('A shell command whose first line of output is the version.'),
    }),
  ],
  'expected the version in quotes, or { command: … }',
);

const ready = z.strictObject({
  log: pattern
    .optional()
    .describe(
      'A regular expression: a line of the log that is written once mail is taken. Default: the port answers.',
    ),
  within: duration
    .refine((seconds) => seconds >= 1 && seconds <= 3_600, 'expected between 1s and 1h')
    .default(60)
    .describe('How long the start may take: seconds, or 90s, 5m. Default: 60s.'),
});

const submit = z.strictObject({
  host: z
    .union([z.ipv4('expected an IP address'), z.ipv6('expected an IP address')])
    .optional()
    .describe(
      "External senders: the IP address at which mail is submitted. A container's own is known.",
    ),
  port: z.int().min(1).max(65_535).describe('The port at which mail is submitted.'),
  starttls: z
    .boolean()
    .default(false)
    .describe('Submit over STARTTLS; whatever certificate is shown is taken.'),
  user: line.optional().describe('Submit with SMTP AUTH, as this user.'),
  password: line.optional().describe('And with this password.'),
  from: line
    .regex(/^[^\s<>@]+@[^\s<>@]+$/, 'expected a mail address')
    .optional()
    .describe(
      'The address that all mail is from, for a server that takes it from no other. Its bounces do not come home to the lab: it cannot declare dsn.',
    ),
});

const log = z.strictObject({
  from: z
    .union([
      z.literal('stdout').describe('What the container prints.'),
      z
        .strictObject({ file: path.describe('Its absolute path.') })
        .describe('A file in the container.'),
      z
        .strictObject({
          command: command.describe(
            'Run by the shell of this machine, for as long as the sender is: tail -F …',
          ),
        })
        .describe('External senders: what a command prints.'),
    ])
    .optional()
    .describe('Where the log is. Default: stdout; an external sender has to say.'),
  fields: z
    .strictObject({
      recipient: text.describe('Where the recipient stands.'),
      reason: text.optional().describe('Where it says why.'),
      id: text.optional().describe('Where the id of the message stands; see reason.'),
    })
    .optional()
    .describe(
      'The log is in JSON, an object a line: names of its members, a.b for one within another.',
    ),
  sent: logPattern.describe(
    'A regular expression for the line that tells that a message was delivered, with the group (?<recipient>…), which may hold several. Of a log in JSON: one for each member that tells it, by name.',
  ),
  deferred: logPattern.describe(
    'The same for one that is kept for another try. A group (?<reason>…) says why.',
  ),
  bounced: logPattern.describe('The same for one that was given up.'),
  reason: reasonPattern
    .optional()
    .describe(
      'A line of its own that says why, before the one that says what became of the message: with the groups (?<id>…), which the other patterns then have too, and (?<reason>…).',
    ),
});

const commands = z.strictObject({
  flush: command
    .optional()
    .describe(
      'Retries, now, what is queued for $DOMAINS. The word `restart`: the server does so when it is restarted (with limits.instances: exclusive).',
    ),
  queue: command
    .optional()
    .describe('Prints the recipient of every queued message, among whatever else.'),
  age: command
    .optional()
    .describe('Makes what is remembered of $DOMAINS, policies and queued mail, older by $SECONDS.'),
  refresh: command
    .optional()
    .describe('Looks for new policies of $DOMAINS now, as it does by itself from time to time.'),
  report: command
    .optional()
    .describe(
      'Sends the TLSRPT reports that are due for $DOMAINS now, and ends once they are out: the day of $DOMAINS is over.',
    ),
  restart: command
    .optional()
    .describe('External senders: restarts the server. All others are restarted without one.'),
  start: command.optional().describe('External senders: starts the server.'),
  stop: command.optional().describe('External senders: ends it.'),
});

const limits = z.strictObject({
  parallel: z
    .int()
    .min(1)
    .max(1_000)
    .default(50)
    .describe(
      'The most messages that the sender is given before it has said what became of them. Default: 50.',
    ),
  instances: z
    .enum(['shared', 'exclusive'], 'expected shared or exclusive')
    .default('shared')
    .describe(
      'One warm server for all scenarios (shared), or one for each that runs at the time (exclusive). Default: shared.',
    ),
  attempts: z
    .int()
    .min(2)
    .max(1_000)
    .optional()
    .describe(
      'Mail is given up after so many tries, however old it is (with the capability queue-lifetime). Default: it is given up by its age.',
    ),
});
