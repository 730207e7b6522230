/**
 * The book of a report: what cells are made of, kept small while a run goes on. The same event is
 * kept once, however many trials have it; a trial is a short list of numbers, deflated. Thousands of
 * trials so take some megabytes, in memory and in the page.
 */

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
  /** Milliseconds, to a tenth. */
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
  /** Of deflated details. */
  readonly detailBytes: number;
  /** Characters of all events, each once. */
  readonly eventCharacters: number;
}

const LIMITS: BookLimits = { detailBytes: 7_000_000, eventCharacters: 60_000_000 };

export function openBook(limits: BookLimits = LIMITS): Book {
  const events = new Map<string, number>();
  let characters = 0;
  let bytes = 0;
  const entries = new Map<string, Entry>();
  const numberOf = (event: string): number => {
    const known = events.get(event);
    if (known !== undefined) return known;
    characters += event.length;
    events.set(event, events.size);
    return events.size - 1;
  };
  /** The evidence of whatever matters least goes first. */
  const makeRoom = () => {
    if (bytes <= limits.detailBytes) return;
    const least = [...entries.values()]
      .filter(({ evidence }) => evidence !== undefined)
      .sort((a, b) => b.rank - a.rank);
    for (const entry of least) {
      if (bytes <= limits.detailBytes * 0.9) break;
      bytes -= entry.evidence!.length;
      entry.evidence = undefined;
    }
  };
  return {
    add(key, { findings, remarks, evidence }, rank) {
      const isRoom = characters < limits.eventCharacters;
      const kept = evidence && isRoom ? deflate(packEvidence(evidence, numberOf)) : undefined;
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
        eventBlocks: chunks([...events.keys()], EVENTS_IN_BLOCK).map((block) =>
          base64(`[${block.join(',')}]`),
        ),
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

/** Numbers that follow each other closely are kept as the steps between them. */
function packEvidence(
  { events, seqs, times, names, attacked, exposed }: CellEvidence,
  numberOf: (event: string) => number,
): unknown {
  const isCounted = seqs.every((seq, index) => seq === index + 1);
  return [
    events.map(numberOf),
    steps(times.map((time) => Math.round(time * 10))),
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

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
