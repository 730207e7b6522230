/**
 * The running instances of one sender: who gets which, and whose message a status is about.
 */

import type { Lab } from './lab/lab.ts';
import type { Scenario } from './model/scenario.ts';
import type { MessageStatus, Sender, StartedSender } from './model/sender.ts';

export interface Instances extends AsyncDisposable {
  take(
    scenario: Scenario,
    onStatus: (status: MessageStatus) => void,
  ): Promise<{ sender: StartedSender; expect(token: string): void; release(): Promise<void> }>;
}

/** A cheap sender gets an instance per scenario; a warm one serves all, save scenarios that restart it. */
export async function openInstances(lab: Lab, sender: Sender): Promise<Instances> {
  const listeners = new Map<string, (status: MessageStatus) => void>();
  const start = () => sender.start(lab.access, (status) => listeners.get(status.token)?.(status));
  let shared: Promise<StartedSender> | undefined;
  if (sender.perInstance === 'run') {
    shared = start();
    await shared;
  }
  return {
    async take(scenario, onStatus) {
      const tokens: string[] = [];
      const own = sender.perInstance === 'scenario' || scenario.steps.some((step) => step.kind === 'restart');
      const started = own ? await start() : await shared!;
      return {
        sender: started,
        expect(token) {
          tokens.push(token);
          listeners.set(token, onStatus);
        },
        async release() {
          for (const token of tokens) listeners.delete(token);
          if (own) await started[Symbol.asyncDispose]();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await (await shared)?.[Symbol.asyncDispose]();
    },
  };
}
