/**
 * The floors (harness/README.md): who may import whom, which package is allowed where, and who may print,
 * exit, and hold state. Works on source text alone, so that it can be tested with planted breaches.
 */

import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

interface Floor {
  /** Paths that open with one of these are on the floor. */
  readonly paths: readonly string[];
  /** Floors below, besides its own. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
  /** Node's own modules; default: all. */
  readonly node?: readonly string[];
  /** Its files may import only helpers of their own folder: files that do not export this name. */
  readonly exports?: string;
}

const FLOORS: Readonly<Record<string, Floor>> = {
  protocol: { paths: ['harness/protocol/'], imports: [], packages: [], node: [] },
  concurrency: { paths: ['harness/concurrency/'], imports: [], packages: [], node: [] },
  shipped: { paths: ['harness/shipped.ts'], imports: [], packages: [] },
  model: { paths: ['harness/model/'], imports: ['protocol'], packages: ['zod'], node: [] },
  tlsrpt: {
    paths: ['harness/tlsrpt/'],
    imports: ['protocol'],
    packages: ['postal-mime'],
    node: ['node:net', 'node:zlib'],
  },
  yaml: { paths: ['harness/yaml/'], imports: ['protocol'], packages: ['yaml', 'zod'] },
  init: { paths: ['harness/init/'], imports: [], packages: ['yaml'] },
  known: {
    paths: ['harness/known/'],
    imports: ['protocol', 'model', 'yaml'],
    packages: ['yaml', 'zod'],
  },
  process: { paths: ['harness/process/'], imports: ['protocol', 'model'], packages: [] },
  docker: {
    paths: ['harness/docker/'],
    imports: ['protocol', 'model', 'process'],
    packages: ['testcontainers'],
  },
  attacks: {
    paths: ['harness/attacks/'],
    imports: ['protocol', 'model'],
    packages: ['zod'],
    node: [],
    exports: 'attack',
  },
  expectations: {
    paths: ['harness/expectations/'],
    imports: ['protocol', 'model', 'tlsrpt'],
    packages: ['zod'],
    node: [],
    exports: 'expectation',
  },
  facts: {
    paths: ['harness/facts/'],
    imports: ['protocol', 'model'],
    packages: [],
    node: [],
    exports: 'fact',
  },
  coverage: {
    paths: ['harness/coverage/'],
    imports: ['shipped', 'model'],
    packages: [],
    node: ['node:fs'],
  },
  html: { paths: ['harness/html/'], imports: ['protocol', 'model'], packages: [] },
  reporters: {
    paths: ['harness/reporters/'],
    imports: ['protocol', 'model', 'coverage', 'html'],
    packages: ['zod'],
    node: ['node:util', 'node:crypto'],
    exports: 'reporter',
  },
  judge: { paths: ['harness/judge/'], imports: ['protocol', 'model'], packages: [], node: [] },
  certs: { paths: ['certs/'], imports: ['protocol', 'model'], packages: ['node-forge'] },
  scenario: {
    paths: ['harness/scenario/'],
    imports: ['protocol', 'model', 'yaml'],
    packages: ['zod'],
  },
  lab: {
    paths: ['harness/lab/'],
    imports: ['protocol', 'concurrency', 'model', 'certs', 'tlsrpt'],
    packages: ['dns2', 'smtp-server', 'mailauth'],
  },
  senders: {
    paths: ['harness/senders/'],
    imports: ['protocol', 'concurrency', 'shipped', 'model', 'yaml', 'process', 'docker'],
    packages: ['dns2', 'nodemailer', 'mailauth', 'mx-connect', 'zod'],
  },
  labs: {
    paths: ['harness/labs/'],
    imports: [
      'protocol',
      'concurrency',
      'shipped',
      'model',
      'process',
      'docker',
      'certs',
      'lab',
      'senders',
    ],
    packages: [],
  },
  run: {
    paths: ['harness/run/', 'harness/doctor/', 'harness/vocabulary.ts', 'harness/store.ts'],
    imports: [
      'protocol',
      'concurrency',
      'shipped',
      'model',
      'yaml',
      'process',
      'attacks',
      'expectations',
      'reporters',
      'judge',
      'certs',
      'scenario',
      'lab',
      'senders',
      'labs',
    ],
    packages: [],
  },
  results: {
    paths: ['harness/results/'],
    imports: ['protocol', 'model', 'judge', 'run'],
    packages: ['zod'],
  },
  cli: {
    paths: ['harness/cli.ts', 'harness/index.ts', 'harness/commands/'],
    imports: [
      'protocol',
      'concurrency',
      'shipped',
      'model',
      'yaml',
      'known',
      'coverage',
      'init',
      'process',
      'docker',
      'attacks',
      'expectations',
      'reporters',
      'judge',
      'certs',
      'scenario',
      'lab',
      'senders',
      'labs',
      'run',
      'results',
      'tlsrpt',
    ],
    packages: [],
  },
  testing: {
    paths: ['harness/testing/'],
    imports: ['protocol', 'model', 'yaml', 'reporters', 'senders', 'run', 'cli'],
    packages: ['vitest'],
  },
};

/**
 * Only these, by path. A sender's child program has a process of its own, and the harness keeps its
 * last words.
 */
const EXITS = /^harness\/(cli|senders\/[^/]+\/(program|preload))\.ts$/;
const PRINTS = /^harness\/(cli\.ts|reporters\/|senders\/[^/]+\/(program|preload)\.ts)/;
const USES_COMMANDER = /^harness\/cli\.ts$/;
const LOADS_BY_NAME = /^harness\/vocabulary\.ts$/;

/**
 * A sentence on each breach in these files: source text by path, as seen from the top of the
 * checkout.
 */
export function findBreaches(files: ReadonlyMap<string, string>): string[] {
  const modules = new Map([...files].map(([path, source]) => [path, readModule(source)]));
  return [...modules].flatMap(([path, module]) => {
    const name = floorOf(path);
    if (name === undefined) return [`${path} is on no floor`];
    return [
      ...module.imports.flatMap((specifier) => importBreaches(path, name, specifier, modules)),
      ...(module.importsByName && !LOADS_BY_NAME.test(path)
        ? [`${path} imports what no literal names`]
        : []),
      ...module.process
        .filter((member) => member.startsWith('exit') && !EXITS.test(path))
        .map((member) => `${path} uses process.${member}`),
      ...module.process
        .filter((member) => member.startsWith('std') && !PRINTS.test(path))
        .map((member) => `${path} uses process.${member}`),
      ...(module.usesConsole && !PRINTS.test(path) ? [`${path} uses console`] : []),
      ...module.state.map((kind) => `${path} has a ${kind} at its top`),
    ];
  });
}

function importBreaches(
  path: string,
  name: string,
  specifier: string,
  modules: ReadonlyMap<string, Module>,
): string[] {
  const floor = FLOORS[name]!;
  if (specifier.startsWith('node:'))
    return floor.node === undefined || floor.node.includes(specifier)
      ? []
      : [`${path} imports ${specifier}`];
  if (!specifier.startsWith('.')) {
    const allowed =
      floor.packages.includes(packageOf(specifier)) ||
      (specifier === 'commander' && USES_COMMANDER.test(path));
    return allowed ? [] : [`${path} imports the package ${specifier}`];
  }
  const target = posix.join(posix.dirname(path), specifier);
  const below = floorOf(target);
  if (below === undefined) return [`${path} imports ${target}, which is on no floor`];
  if (below !== name)
    return floor.imports.includes(below) ? [] : [`${path} (${name}) imports ${target} (${below})`];
  const isHelper = floor.exports === undefined || !modules.get(target)?.exports.has(floor.exports);
  return isHelper ? [] : [`${path} imports its neighbour ${target}`];
}

function floorOf(path: string): string | undefined {
  return Object.keys(FLOORS).find((name) =>
    FLOORS[name]!.paths.some((start) =>
      start.endsWith('/') ? path.startsWith(start) : path === start,
    ),
  );
}

/** `@a/b/c` → `@a/b`, `zod/v4` → `zod` */
const packageOf = (specifier: string) =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

// ---- one module ----

interface Module {
  /** Specifiers of static imports, re-exports, dynamic imports and import types. */
  readonly imports: readonly string[];
  /** A dynamic import of something other than a literal. */
  readonly importsByName: boolean;
  readonly exports: ReadonlySet<string>;
  /** Members of `process` that are used. */
  readonly process: readonly string[];
  readonly usesConsole: boolean;
  /** `let` and `var` at the top of the module. */
  readonly state: readonly string[];
}

/** A node of the syntax tree (ESTree, with TypeScript's own kinds). */
type Node = { readonly type: string } & Readonly<Record<string, any>>;

function readModule(source: string): Module {
  const program = parseAst(source, { lang: 'ts' }) as unknown as Node;
  const nodes = [...walk(program)];
  const of = (...types: readonly string[]) => nodes.filter(({ type }) => types.includes(type));
  const dynamic = of('ImportExpression', 'TSImportType').map((node) => node.source as Node);
  const declarations = (program.body as Node[]).map((node) =>
    node.type === 'ExportNamedDeclaration' ? (node.declaration ?? node) : node,
  );
  return {
    imports: [
      ...of('ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration').flatMap(
        (node) => (node.source ? [node.source.value] : []),
      ),
      ...dynamic.filter(isText).map((node) => node.value),
    ],
    importsByName: dynamic.some((node) => !isText(node)),
    exports: new Set(of('ExportNamedDeclaration').flatMap(exportedNames)),
    process: [
      ...of('MemberExpression')
        .filter(({ object }) => isNamed(object, 'process'))
        .map(({ property }) => property.name ?? property.value),
      ...of('VariableDeclarator')
        .filter(({ init, id }) => isNamed(init, 'process') && id.type === 'ObjectPattern')
        .flatMap(({ id }) => id.properties.map(({ key }: Node) => key?.name)),
    ],
    usesConsole: of('MemberExpression').some(({ object }) => isNamed(object, 'console')),
    state: declarations
      .filter(
        ({ type, kind }) => type === 'VariableDeclaration' && (kind === 'let' || kind === 'var'),
      )
      .map(({ kind }) => kind),
  };
}

function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* walk(item);
  else if (typeof value === 'object' && value !== null) {
    if ('type' in value) yield value as Node;
    for (const part of Object.values(value)) yield* walk(part);
  }
}

function exportedNames({ declaration, specifiers }: Node): string[] {
  return [
    ...(declaration?.declarations ?? []).map(({ id }: Node) => id.name),
    ...(specifiers ?? []).map(({ exported }: Node) => exported.name),
  ];
}

const isText = (node: Node) => node?.type === 'Literal' && typeof node.value === 'string';
const isNamed = (node: Node | null | undefined, name: string) =>
  node?.type === 'Identifier' && node.name === name;
