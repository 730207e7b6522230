/**
 * The program of a thread (threads.ts): its share of a run, in a lab of its own. It ends when the
 * share is done, or when it is told to stop.
 */

import module from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread, Order } from './threads.ts';

module.enableCompileCache();
await run(workerData as Order);

async function run({ senders: names, scenarios, jobs }: Order): Promise<void> {
  const [{ builtInSender }, { runTogether }, { startLab }, { loadVocabulary }] = await Promise.all([
    import('../senders/built-in.ts'),
    import('./senders.ts'),
    import('../lab/lab.ts'),
    import('../vocabulary.ts'),
  ]);
  const port = parentPort!;
  const tell = (message: FromThread) => port.postMessage(message);
  const stop = new AbortController();
  port.once('message', () => stop.abort());
  const senders = await Promise.all(
    names.map(async (name) => {
      const sender = await builtInSender(name);
      if (!sender) throw new Error(`no sender ${name} comes with Holdfast`);
      return sender;
    }),
  );
  await using lab = await startLab();
  const failed = await runTogether(senders, lab, {
    scenarios,
    jobs,
    vocabulary: await loadVocabulary(),
    signal: stop.signal,
    onTrialStart: (scenario, sender) =>
      tell({
        kind: 'started',
        scenario: scenarios.indexOf(scenario),
        sender: names.indexOf(sender),
      }),
    onResult: ({ verdict, trial: { scenario, sender, evidence } }) =>
      tell({
        kind: 'result',
        scenario: scenarios.indexOf(scenario),
        sender: names.indexOf(sender.name),
        verdict,
        described: sender,
        observations: evidence.observations,
      }),
  });
  tell({ kind: 'ended', failed });
}
