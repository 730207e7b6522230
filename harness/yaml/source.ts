/**
 * Source: the text of a YAML file as a value, and the place of every part of that value in the
 * text.
 *
 * YAML 1.2 core schema. Refused with their place: syntax errors, keys given twice, aliases that
 * lead nowhere, into themselves or to too much, unknown tags, several documents, keys that are no
 * names.
 */

import type { Document, Node, Pair, YAMLMap } from 'yaml';
import { isAlias, isCollection, isMap, isNode, isPair, isScalar, parseDocument, visit } from 'yaml';
import type { Problem } from './problems.ts';
import { MOST_PROBLEMS, showValue } from './problems.ts';

export type Path = readonly PropertyKey[];

/** What the file holds; problems name it. */
export type Kind = 'scenario' | 'contract' | 'known.yaml';

export interface Source {
  readonly file: string;
  readonly value: unknown;
  /**
   * The place of the value at the path or, when there is none, of the nearest thing around it;
   * `key`: of the key it stands under.
   */
  locate(path: Path, part?: 'key' | 'value'): Place;
  /** The scalar at the path as it is written: `3.10`, whose value is 3.1. */
  written(path: Path): string | undefined;
}

type Place = Pick<Problem, 'line' | 'column' | 'source'>;

/** The source, unless it cannot be made sense of, and everything wrong with it as YAML. */
export function readSource(
  text: string,
  file: string,
  kind: Kind = 'scenario',
): { readonly source?: Source; readonly problems: readonly Problem[] } {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return { problems: [tooLarge(file, kind)] };
  const plain = text.replace(/^\uFEFF/, '');
  const lineStarts = [0, ...Array.from(plain.matchAll(/\n/g), ({ index }) => index + 1)];
  // Keys given twice are looked for below: yaml compares each key with every other, which takes
  // minutes on a long file.
  const document = parseDocument(plain, { version: '1.2', prettyErrors: false, uniqueKeys: false });

  const fatal: Problem[] = [...document.errors, ...document.warnings]
    .slice(0, MOST_PROBLEMS)
    .map((error) => ({
      file,
      ...placeAt(error.pos[0]),
      message:
        wordingOf(error.code, kind) ??
        (/call stack/.test(error.message) ? TOO_DEEP : error.message),
    }));
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    fatal.push({ file, ...placeAt(0), message: `${kind}s are YAML 1.2` });
  }
  if (fatal.length > 0) return { problems: fatal };

  const flaws = findFlaws(document);
  const problems = flaws.slice(0, MOST_PROBLEMS).map(
    ({ node, message, found }): Problem => ({
      file,
      ...placeAt(startOf(node)),
      message,
      found: found && showValue(found),
    }),
  );
  if (flaws.some((flaw) => flaw.fatal)) return { problems };
  try {
    const value: unknown = document.toJS();
    const locate: Source['locate'] = (path, part) => placeAt(offsetOf(document, path, part));
    return {
      source: { file, value, locate, written: (path) => writtenAt(document, path) },
      problems,
    };
  } catch (error) {
    // yaml counts what aliases amount to, and gives up on a bomb.
    if (!(error instanceof ReferenceError)) throw error;
    return {
      problems: [
        ...problems,
        { file, line: 0, column: 0, message: 'its aliases amount to too much' },
      ],
    };
  }

  function placeAt(offset: number): Place {
    const line = lineStarts.findLastIndex((start) => start <= offset);
    const [start, end] = [lineStarts[line]!, lineStarts[line + 1] ?? plain.length];
    return {
      line: line + 1,
      column: offset - start + 1,
      source: plain.slice(start, end).replace(/\r?\n$/, ''),
    };
  }
}

export const MAX_FILE_BYTES = 1024 * 1024;

export function tooLarge(file: string, kind: Kind): Problem {
  return { file, line: 0, column: 0, message: `a ${kind} file is at most 1 MiB` };
}

const MAX_DEPTH = 64;
const TOO_DEEP = 'nested too deeply';

/**
 * In a plain text a colon and a blank, or a colon at the end, make a map of it (YAML 1.2 §7.3.3).
 */
const UNQUOTED: readonly string[] = ['BLOCK_AS_IMPLICIT_KEY', 'BLOCK_IN_FLOW'];

function wordingOf(code: string, kind: Kind): string | undefined {
  if (code === 'MULTIPLE_DOCS') return `a ${kind} file is one YAML document`;
  return UNQUOTED.includes(code)
    ? 'a second ": " on the line, or ":" at its end: if it belongs to the text, put the text in quotes'
    : undefined;
}

interface Flaw {
  readonly node: Node;
  readonly message: string;
  readonly found?: string;
  /** Nothing can be read behind it. */
  readonly fatal: boolean;
}

function findFlaws(document: Document): Flaw[] {
  const flaws: Flaw[] = [];
  visit(document, {
    Alias(_, alias, path) {
      const target = alias.resolve(document);
      if (target === undefined)
        flaws.push({
          node: alias,
          message: 'no anchor of this name stands before',
          found: `*${alias.source}`,
          fatal: true,
        });
      else if (path.includes(target))
        flaws.push({ node: alias, message: 'an alias within what it stands for', fatal: true });
    },
    Collection(_, node, path) {
      if (isMap(node)) for (const flaw of flawsOfKeys(node)) flaws.push(flaw);
      if (path.length < MAX_DEPTH) return;
      flaws.push({ node, message: TOO_DEEP, fatal: true });
      return visit.SKIP;
    },
  });
  return flaws;
}

function flawsOfKeys(map: YAMLMap): Flaw[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }): Flaw[] => {
    if (!isScalar(key))
      return [{ node: isNode(key) ? key : map, message: 'a key is a plain name', fatal: true }];
    const name = nameOf(key.value);
    if (name === '__proto__')
      return [{ node: key, message: 'no key has this name', found: name, fatal: true }];
    if (seen.has(name))
      return [{ node: key, message: 'this key is given twice', found: name, fatal: false }];
    seen.add(name);
    return [];
  });
}

function offsetOf(document: Document, path: Path, part: 'key' | 'value' = 'value'): number {
  const { node, pair } = nodeAt(document, path);
  return startOf(pair && (part === 'key' || isEmpty(node)) ? pair.key : node);
}

function writtenAt(document: Document, path: Path): string | undefined {
  const { node } = nodeAt(document, path);
  const whole = isAlias(node) ? node.resolve(document) : node;
  return isScalar(whole) ? whole.source : undefined;
}

/** What stands at the path, and the pair it is the value of; or the nearest thing around it. */
function nodeAt(document: Document, path: Path): { readonly node: unknown; readonly pair?: Pair } {
  let node: unknown = document.contents;
  let pair: Pair | undefined;
  for (const step of path) {
    const whole = isAlias(node) ? node.resolve(document) : node;
    const next = isMap(whole)
      ? whole.items.find(({ key }) => isScalar(key) && nameOf(key.value) === String(step))
      : itemOf(whole, step);
    if (next === undefined) return { node };
    pair = isPair(next) ? next : undefined;
    node = pair ? pair.value : next;
  }
  return { node, pair };
}

function itemOf(node: unknown, step: PropertyKey): unknown {
  return isCollection(node) ? node.items[Number(step)] : undefined;
}

/** As toJS names a key. */
function nameOf(key: unknown): string {
  return key === null ? '' : String(key);
}

function isEmpty(node: unknown): boolean {
  return !isNode(node) || (node.range ? node.range[0] === node.range[1] : true);
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/** A value that a YAML map becomes. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
