/**
 * The lab measures itself, because a slow lab makes false verdicts: a policy that is answered too
 * late is, to the sender, no policy.
 */

const SAMPLE_MS = 20;
const KEPT = 4096;

export interface Health extends Disposable {
  /** The lab answered `ms` after it was asked. */
  answered(ms: number): void;
  /** The worst since `since` (performance.now()). */
  since(since: number): Slowness;
}

export interface Slowness {
  /** The longest time that the event loop was late. */
  readonly eventLoopDelayMs: number;
  readonly slowestAnswerMs: number;
}

export function watchHealth(): Health {
  const late: Sample[] = [];
  const answers: Sample[] = [];
  let expected = performance.now() + SAMPLE_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - expected > SAMPLE_MS) keep(late, { at: now, ms: now - expected });
    expected = now + SAMPLE_MS;
  }, SAMPLE_MS);
  timer.unref();

  return {
    answered(ms) {
      if (ms > SAMPLE_MS) keep(answers, { at: performance.now(), ms });
    },
    since: (since) => ({
      eventLoopDelayMs: Math.round(Math.max(worst(late, since), performance.now() - expected)),
      slowestAnswerMs: worst(answers, since),
    }),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

interface Sample {
  readonly at: number;
  readonly ms: number;
}

function keep(samples: Sample[], sample: Sample): void {
  if (samples.length >= KEPT) samples.splice(0, KEPT / 2);
  samples.push(sample);
}

/** The samples are in order of time, so that only the newest need be read. */
function worst(samples: readonly Sample[], since: number): number {
  let ms = 0;
  for (let i = samples.length - 1; i >= 0 && samples[i]!.at >= since; i--)
    ms = Math.max(ms, samples[i]!.ms);
  return Math.round(ms);
}
