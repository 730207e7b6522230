/**
 * A reader of JSON texts (RFC 8259) that tells what JSON.parse hides: members that stand there
 * twice, and whose they are. What it takes is bounded, so that no text can exhaust it.
 */

import { counted, printable } from '../protocol/printable.ts';
import { quote } from './finding.ts';
import { Refusal } from './refusal.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** Has no prototype: `__proto__` is a member like any other. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** Levels of arrays and objects; a report has six. */
export const DEEPEST = 32;
/** Values of all kinds in one text: some 25,000 failures. */
export const MOST_VALUES = 250_000;
const LONGEST_NAME = 200;

/**
 * The value of a JSON text. Throws Refusal for what is no JSON, with line and column; for an object
 * with two members of one name (RFC 7493 §2.3), with the path; and beyond DEEPEST and MOST_VALUES.
 */
export function readJson(text: string): Json {
  let at = 0;
  let values = 0;

  const skip = () => {
    while (isBlank(text[at])) at++;
  };

  const wrong = (expected: string): Refusal => {
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - before.lastIndexOf('\n');
    const found = at < text.length ? quote(text[at]!) : 'its end';
    return new Refusal(
      `this is no JSON: line ${line}, column ${column}: expected ${expected}, found ${found}`,
      'RFC 8259 §2',
    );
  };

  function readString(): string {
    const start = at++;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) break;
      // charCodeAt past the end is NaN.
      if (!(code >= 0x20)) throw wrong('a string that is ended, control characters escaped');
      if (code === BACKSLASH) {
        if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at + 1, at + 6)))
          throw wrong('an escape of RFC 8259 §7');
        at++;
      }
      at++;
    }
    at++;
    return JSON.parse(text.slice(start, at)) as string;
  }

  function readNumber(): number {
    const start = at;
    while (/[\d.eE+-]/.test(text[at] ?? '')) at++;
    const literal = text.slice(start, at);
    if (NUMBER.test(literal)) return Number(literal);
    at = start;
    throw wrong('a value');
  }

  function readWord<T>(word: string, value: T): T {
    if (!text.startsWith(word, at)) throw wrong('a value');
    at += word.length;
    return value;
  }

  function readItems(path: string, depth: number): Json[] {
    const items: Json[] = [];
    at++;
    skip();
    if (text[at] === ']') {
      at++;
      return items;
    }
    for (;;) {
      items.push(readValue(`${path}[${items.length}]`, depth));
      skip();
      const mark = text[at];
      if (mark !== ',' && mark !== ']') throw wrong('"," or "]"');
      at++;
      if (mark === ']') return items;
    }
  }

  function readMembers(path: string, depth: number): JsonObject {
    const members: Record<string, Json> = Object.create(null);
    at++;
    skip();
    if (text[at] === '}') {
      at++;
      return members;
    }
    for (;;) {
      skip();
      if (text[at] !== '"') throw wrong('the name of a member');
      const name = readString();
      const inner = pathOf(path, name);
      if (Object.hasOwn(members, name))
        throw new Refusal(
          `the member ${inner} stands there twice: readers differ on which of them counts`,
          'RFC 7493 §2.3',
        );
      skip();
      if (text[at] !== ':') throw wrong('":"');
      at++;
      members[name] = readValue(inner, depth);
      skip();
      const mark = text[at];
      if (mark !== ',' && mark !== '}') throw wrong('"," or "}"');
      at++;
      if (mark === '}') return members;
    }
  }

  function readValue(path: string, depth: number): Json {
    skip();
    if (++values > MOST_VALUES)
      throw new Refusal(`more than ${counted(MOST_VALUES, 'value')} in one JSON text`);
    const first = text[at];
    if ((first === '{' || first === '[') && depth === DEEPEST)
      throw new Refusal(`nested deeper than ${counted(DEEPEST, 'level')}: ${path}`);
    switch (first) {
      case '{':
        return readMembers(path, depth + 1);
      case '[':
        return readItems(path, depth + 1);
      case '"':
        return readString();
      case 't':
        return readWord('true', true);
      case 'f':
        return readWord('false', false);
      case 'n':
        return readWord('null', null);
      default:
        return readNumber();
    }
  }

  const value = readValue('', 0);
  skip();
  if (at < text.length) throw wrong('nothing more');
  return value;
}

/** `policies[0].policy` and `mx-host` → `policies[0].policy.mx-host`; other names in quotes. */
export function pathOf(path: string, name: string): string {
  if (/^[A-Za-z_][\w-]{0,60}$/.test(name)) return path === '' ? name : `${path}.${name}`;
  return `${path}[${printable(JSON.stringify(name), LONGEST_NAME)}]`;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t';
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
