import { expect, test } from 'vitest';
import { watchHealth } from '../../harness/lab/health.ts';

/** Keeps the event loop from turning. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('a blocked event loop is seen while it is blocked, and remembered', async () => {
  using health = watchHealth();
  const since = performance.now();
  block(100);
  expect(health.since(since).eventLoopDelayMs).toBeGreaterThan(50);
  // The watch was due long ago, so that it runs before this does.
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(health.since(since).eventLoopDelayMs).toBeGreaterThan(50);
});

test('a delay counts for whoever began before it', async () => {
  using health = watchHealth();
  block(250);
  await new Promise((resolve) => setTimeout(resolve, 0));
  const worst = health.since(0).eventLoopDelayMs;
  expect(health.since(performance.now()).eventLoopDelayMs).toBeLessThan(worst);
});

test('the slowest answer is that of the time asked for', () => {
  using health = watchHealth();
  expect(health.since(0).slowestAnswerMs).toBe(0);
  health.answered(500.4);
  health.answered(300);
  const later = performance.now() + 0.001;
  expect(health.since(0).slowestAnswerMs).toBe(500);
  while (performance.now() <= later);
  expect(health.since(performance.now()).slowestAnswerMs).toBe(0);
  health.answered(40);
  expect(health.since(later).slowestAnswerMs).toBe(40);
});

test('an answer as quick as any is not remembered, and of very many the newest are', () => {
  using health = watchHealth();
  health.answered(19);
  expect(health.since(0).slowestAnswerMs).toBe(0);
  for (let i = 0; i < 10_000; i++) health.answered(100);
  health.answered(200);
  for (let i = 0; i < 1000; i++) health.answered(100);
  expect(health.since(0).slowestAnswerMs).toBe(200);
});
