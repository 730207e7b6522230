import { expect, test } from 'vitest';
import { createRecorder } from '../../harness/lab/recorder.ts';
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
