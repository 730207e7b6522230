/** Repeatable chance, and what it does to bytes. */

export interface Dice {
  /** 0 to n - 1. */
  int(n: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Noise. */
  bytes(length: number): Buffer;
}

/**
 * The same seed and index always throw the same; an index has its own dice, so that order does not
 * matter.
 */
export function dice(seed: number, index: number): Dice {
  // mulberry32, from two numbers mixed into one.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (n: number) => Math.floor(next() * n);
  return {
    int,
    chance: (probability) => next() < probability,
    pick: (from) => from[int(from.length)]!,
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))),
  };
}

const TELLING_BYTES = [0x00, 0x01, 0x0a, 0x0d, 0x2d, 0x2e, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff];

/** A few small changes: bytes flipped, set, cut out, doubled, put in, or the end gone. */
export function mutate(bytes: Buffer, { int, pick, bytes: noise }: Dice): Buffer {
  let changed = Buffer.from(bytes);
  for (let times = 1 + int(4); times > 0; times--) {
    const at = int(changed.length + 1);
    const end = Math.min(changed.length, at + 1 + int(16));
    const [before, part, after] = [
      changed.subarray(0, at),
      changed.subarray(at, end),
      changed.subarray(end),
    ];
    const flipped = Buffer.from(part.map((byte, i) => (i === 0 ? byte ^ (1 << int(8)) : byte)));
    const set = Buffer.from(part.map((byte, i) => (i === 0 ? pick(TELLING_BYTES) : byte)));
    changed = Buffer.concat(
      pick([
        [before, flipped, after],
        [before, set, after],
        [before, after],
        [before, part, part, after],
        [before, noise(int(16)), part, after],
        [before, part],
      ]),
    );
  }
  return changed;
}
