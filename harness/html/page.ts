/**
 * The page of a report: one document with its style, its script and its data, and nothing that it
 * would have to ask a network for.
 *
 * Three walls keep what a sender said from running. Every string is printable before it comes here.
 * Data stands in the page as deflated base64, which has no character that means something to HTML.
 * And the script builds text nodes only; a Content-Security-Policy and Trusted Types forbid the rest.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Shown } from '../model/reporter.ts';
import { type BoundBook, base64, chunks } from './book.ts';
import type { World } from './world.ts';

/** Every string is printable. */
export interface PageData {
  readonly holdfast: string;
  readonly node: string;
  readonly startedAt: string;
  readonly elapsedMs: number;
  readonly interrupted: boolean;
  readonly counts: Readonly<Record<Shown, number>>;
  /** In the order in which they are told. */
  readonly shown: readonly {
    readonly shown: Shown;
    readonly word: string;
    readonly symbol: string;
  }[];
  readonly senders: readonly {
    readonly name: string;
    readonly version: string;
    readonly summary: string;
  }[];
  readonly skippedSenders: readonly { readonly name: string; readonly reason: string }[];
  readonly scenarios: readonly {
    readonly id: string;
    readonly title: string;
    readonly why: string;
    readonly requirements: readonly string[];
    /** By which the command line finds it. */
    readonly word: string;
  }[];
  readonly requirements: Readonly<
    Record<string, { readonly rfc: string; readonly level: string; readonly text: string }>
  >;
  readonly cells: readonly PageCell[];
  readonly causes: readonly {
    readonly shown: Shown;
    readonly sender: number;
    readonly requirement: string;
    readonly actual: string;
    readonly scenarios: readonly number[];
  }[];
  readonly knownNoMore: readonly string[];
  /** What an attacker would have got, a line each. */
  readonly exposure: readonly string[];
  /** What senders did where the RFCs leave a point open, a line each. */
  readonly facts: readonly string[];
  readonly coverage: {
    readonly rows: readonly PageRequirement[];
    /** A line of a table each: RFC, MUST, SHOULD. */
    readonly sums: readonly (readonly string[])[];
  };
}

/** A requirement, and what the suite has to show for it. */
export interface PageRequirement {
  readonly id: string;
  readonly rfc: string;
  readonly level: string;
  readonly text: string;
  /** How many scenarios of the suite find it broken; 0: it is not covered. */
  readonly proofs: number;
  /** Those of them that are in this run, by number. */
  readonly scenarios: readonly number[];
  readonly faults: readonly string[];
  /** Why it is not covered. */
  readonly reason?: string;
}

export interface PageCell {
  /** Of the trial in the book. */
  readonly key: string;
  readonly sender: number;
  readonly scenario: number;
  readonly shown: Shown;
  readonly exposure: string;
  readonly durationMs: number;
  /** What happened, in a line; empty for a pass. */
  readonly told: string;
  readonly reach: readonly string[];
  readonly known?: { readonly reason: string; readonly link?: string; readonly until?: string };
}

const WORLDS_IN_BLOCK = 32;

/** The whole document. `worlds` has one for each scenario; null: not known. */
export function renderPage(
  data: PageData,
  worlds: readonly (World | null)[],
  book: BoundBook,
): string {
  const script = bundle('main.js');
  const style = asset('page.css');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policyOf(script, style)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    '<meta name="color-scheme" content="light dark">',
    '<title>Holdfast report</title>',
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<p id="loading">This report is drawn by a script of its own. Where scripts are off, <code>holdfast report DIR --reporter text</code> tells the same.</p>',
    block('data', base64(JSON.stringify(packData(data, book)))),
    ...chunks(worlds, WORLDS_IN_BLOCK).map((some, index) =>
      block(`w${index}`, base64(JSON.stringify(some))),
    ),
    ...book.eventBlocks.map((text, index) => block(`e${index}`, text)),
    ...book.detailBlocks.map((text, index) => block(`d${index}`, text)),
    `<script type="module">${script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** A block of data is no script: nothing runs it, and CSP has no say in it. */
const block = (id: string, text: string) => `<script type="text/plain" id="${id}">${text}</script>`;

/** CSP Level 3: what is not allowed here is forbidden, whatever stands in the page. */
function policyOf(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Cells as rows of numbers: twenty thousand of them are the most of the index. */
function packData(data: PageData, book: BoundBook) {
  const texts = new Map<string, number>();
  const numberOf = (text: string) => {
    if (!texts.has(text)) texts.set(text, texts.size);
    return texts.get(text)!;
  };
  const order = data.shown.map(({ shown }) => shown);
  const cells = data.cells.map(({ key, sender, scenario, shown, ...cell }) => {
    const found = book.placeOf(key);
    return [
      sender,
      scenario,
      order.indexOf(shown),
      numberOf(cell.exposure),
      Math.round(cell.durationMs),
      numberOf(cell.told),
      numberOf(cell.reach.join(', ')),
      found ? found.place : -1,
      found?.hasEvidence ? 1 : 0,
      ...(cell.known ? [cell.known] : []),
    ];
  });
  return {
    ...data,
    cells,
    texts: [...texts.keys()],
    leftOut: book.leftOut,
    eventsInBlock: book.eventsInBlock,
    detailsInBlock: book.detailsInBlock,
    worldsInBlock: WORLDS_IN_BLOCK,
  };
}

// ---- the files beside this one ----

const asset = (name: string) => readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8');

/**
 * A module and all that it imports as one script: each file once, behind what it imports itself, its
 * imports and the word `export` taken out. Files so share one scope, and no two may give something
 * the same name.
 */
function bundle(name: string, taken = new Set<string>()): string {
  taken.add(name);
  let before = '';
  const own = asset(name)
    .replace(/^import \{[^}]*\} from '\.\/([\w-]+\.js)';\n/gm, (_, other: string) => {
      if (!taken.has(other)) before += bundle(other, taken);
      return '';
    })
    .replace(/^export (?=(async )?(const|function) )/gm, '');
  return before + own;
}
