import { expect, test } from 'vitest';
import { createRecorder, MOST_OBSERVATIONS } from '../../harness/lab/recorder.ts';
import type { Event } from '../../harness/model/observation.ts';

const event: Event = { kind: 'queue-flushed' };
const other: Event = { kind: 'sender-restarted' };

test('numbers, times, and files under leg and step what is recorded', () => {
  let now = 1000;
  const recorder = createRecorder(() => now);
  recorder.record('main', event);
  now = 1012.3456;
  recorder.enterStep(2);
  recorder.record('control', other);
  expect(recorder.observations).toEqual([
    { seq: 1, at: 0, leg: 'main', step: 0, kind: 'queue-flushed' },
    { seq: 2, at: 12.346, leg: 'control', step: 2, kind: 'sender-restarted' },
  ]);
});

test('until: true when it holds already, or at the event that makes it hold', async () => {
  const recorder = createRecorder();
  const has = (howMany: number) => () => recorder.observations.length >= howMany;
  expect(await recorder.until(has(0), 60_000)).toBe(true);
  const waits = [
    recorder.until(has(2), 60_000),
    recorder.until(has(1), 60_000),
    recorder.until(has(2), 60_000),
  ];
  recorder.record('main', event);
  expect(await Promise.race([waits[0], waits[1]!.then(() => 'the second')])).toBe('the second');
  recorder.record('main', event);
  expect(await Promise.all(waits)).toEqual([true, true, true]);
});

test('until: false after its bound, and then it looks no more', async () => {
  const recorder = createRecorder();
  let looks = 0;
  const holds = () => {
    looks++;
    return false;
  };
  expect(await recorder.until(holds, 1)).toBe(false);
  const before = looks;
  recorder.record('main', event);
  expect(looks).toBe(before);
});

test('what is frozen stays as it is', () => {
  const recorder = createRecorder();
  recorder.record('main', event);
  const frozen = recorder.freeze();
  recorder.record('main', other);
  expect(frozen.map((seen) => seen.kind)).toEqual(['queue-flushed']);
  expect(frozen).toBe(recorder.observations);
  expect(Object.isFrozen(frozen)).toBe(true);
});

test('until: looked at once for all that was recorded in one turn', async () => {
  const recorder = createRecorder();
  let looks = 0;
  const wait = recorder.until(() => {
    looks++;
    return recorder.observations.length >= 1000;
  }, 60_000);
  for (let i = 0; i < 1000; i++) recorder.record('main', event);
  expect(await wait).toBe(true);
  expect(looks).toBe(2);
});

test('a stream that is full takes the health of the lab and nothing else, and nobody waits for it', async () => {
  const recorder = createRecorder();
  const wait = recorder.until(() => false, 60_000);
  recorder.record('main', other);
  for (let i = 1; i < MOST_OBSERVATIONS + 5; i++) recorder.record('main', event);
  await recorder.full;
  expect(await wait).toBe(false);
  expect(await recorder.until(() => false, 60_000)).toBe(false);
  expect(recorder.isOver()).toBe(true);
  recorder.record('main', { kind: 'lab-health', eventLoopDelayMs: 1, slowestAnswerMs: 1 });
  expect(recorder.observations.slice(MOST_OBSERVATIONS)).toMatchObject([
    { kind: 'flooded', most: 'queue-flushed', seq: MOST_OBSERVATIONS + 1 },
    { kind: 'lab-health' },
  ]);
});
