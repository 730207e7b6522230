/**
 * The book of a report: what cells are made of, kept small while a run goes on. The same event is
 * kept once, however many trials have it; a trial is a short list of numbers, deflated. Thousands of
 * trials so take some megabytes, in memory and in the page.
 */

import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** What a page needs of one trial besides the line in the matrix. All strings are printable. */
export interface CellDetail {
  readonly findings: readonly unknown[];
  readonly remarks: readonly string[];
  readonly evidence?: CellEvidence;
}

export interface CellEvidence {
  /** Each as JSON text, without `seq` and `at`. */
  readonly events: readonly string[];
  readonly seqs: readonly number[];
  /** Milliseconds. */
  readonly times: readonly number[];
  /** What stands for the characters from U+E000 on in the events. */
  readonly names: readonly string[];
  readonly attacked: readonly number[];
  readonly exposed: readonly number[];
}

export interface Book {
  /** A lower rank is kept before a higher one, where there is not room for all. */
  add(key: string, detail: CellDetail, rank: number): void;
  /** As the page reads it. */
  bind(): BoundBook;
}

export interface BoundBook {
  /** Deflated, in base64: JSON lists of events. */
  readonly eventBlocks: readonly string[];
  /** The same: JSON lists of details. */
  readonly detailBlocks: readonly string[];
  readonly eventsInBlock: number;
  readonly detailsInBlock: number;
  /** Place of a detail, counted through all blocks; and whether its evidence is in it. */
  placeOf(key: string): { readonly place: number; readonly hasEvidence: boolean } | undefined;
  /** How many trials had evidence that there was no room for. */
  readonly leftOut: number;
}

interface Entry {
  readonly key: string;
  readonly rank: number;
  readonly findings: Buffer;
  evidence?: Buffer;
  readonly hadEvidence: boolean;
}

const EVENTS_IN_BLOCK = 512;
const DETAILS_IN_BLOCK = 32;

export interface BookLimits {
  /** Of the evidence of all trials, deflated, with their events. */
  readonly bytes: number;
  /** Of that, of all events. The last quarter of it is for ranks below `urgent`. */
  readonly eventBytes: number;
  readonly urgent: number;
}

/** With the rest of it a page of twenty thousand trials then stays under 15 megabytes. */
const LIMITS: BookLimits = { bytes: 11_000_000, eventBytes: 4_000_000, urgent: 4 };

export function openBook(limits: BookLimits = LIMITS): Book {
  const events = openEvents();
  let bytes = 0;
  const entries = new Map<string, Entry>();
  /** The evidence of whatever matters least goes first. */
  const makeRoom = () => {
    const room = limits.bytes - events.bytes();
    if (bytes <= room) return;
    const least = [...entries.values()]
      .filter(({ evidence }) => evidence !== undefined)
      .sort((a, b) => b.rank - a.rank);
    for (const entry of least) {
      if (bytes <= room * 0.95) break;
      bytes -= entry.evidence!.length;
      entry.evidence = undefined;
    }
  };
  return {
    add(key, { findings, remarks, evidence }, rank) {
      const room = limits.eventBytes * (rank < limits.urgent ? 1 : 0.75);
      const kept =
        evidence && events.bytes() < room
          ? deflate(packEvidence(evidence, events.numberOf))
          : undefined;
      entries.set(key, {
        key,
        rank,
        findings: deflate([findings, remarks]),
        evidence: kept,
        hadEvidence: evidence !== undefined,
      });
      bytes += kept?.length ?? 0;
      makeRoom();
    },
    bind() {
      // What is alike is near each other, and deflates the better for it.
      const all = [...entries.values()];
      const places = new Map(all.map((entry, place) => [entry.key, { entry, place }]));
      return {
        eventsInBlock: EVENTS_IN_BLOCK,
        detailsInBlock: DETAILS_IN_BLOCK,
        eventBlocks: events.blocks().map((block) => block.toString('base64')),
        detailBlocks: chunks(all, DETAILS_IN_BLOCK).map((block) =>
          base64(
            `[${block.map(({ findings, evidence }) => `[${inflate(findings)},${evidence ? inflate(evidence) : 'null'}]`).join(',')}]`,
          ),
        ),
        placeOf(key) {
          const found = places.get(key);
          return found && { place: found.place, hasEvidence: found.entry.evidence !== undefined };
        },
        leftOut: all.filter(({ hadEvidence, evidence }) => hadEvidence && !evidence).length,
      };
    },
  };
}

/** Events, each once. A block that is full is deflated, and nothing but a digest of its events stays. */
function openEvents() {
  const numbers = new Map<string, number>();
  const full: Buffer[] = [];
  let block: string[] = [];
  let bytes = 0;
  const packed = () => deflateRawSync(`[${block.join(',')}]`, { level: 9 });
  return {
    numberOf(event: string): number {
      const digest = createHash('sha1').update(event).digest('base64');
      const known = numbers.get(digest);
      if (known !== undefined) return known;
      if (block.length === EVENTS_IN_BLOCK) {
        full.push(packed());
        bytes += full.at(-1)!.length;
        block = [];
      }
      block.push(event);
      numbers.set(digest, numbers.size);
      return numbers.size - 1;
    },
    bytes: () => bytes,
    blocks: () => [...full, ...(block.length > 0 ? [packed()] : [])],
  };
}

/** Numbers that follow each other closely are kept as the steps between them. */
function packEvidence(
  { events, seqs, times, names, attacked, exposed }: CellEvidence,
  numberOf: (event: string) => number,
): unknown {
  const isCounted = seqs.every((seq, index) => seq === index + 1);
  return [
    events.map(numberOf),
    steps(times.map(Math.round)),
    isCounted ? 0 : steps(seqs),
    names,
    steps(attacked),
    steps(exposed),
  ];
}

const steps = (numbers: readonly number[]) =>
  numbers.map((number, index) => number - (numbers[index - 1] ?? 0));

const deflate = (value: unknown) => deflateRawSync(JSON.stringify(value));
const inflate = (packed: Buffer) => inflateRawSync(packed).toString();

/** JSON text as the page has it. */
export function base64(json: string): string {
  return deflateRawSync(json, { level: 9 }).toString('base64');
}

export function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
