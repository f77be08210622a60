import { until } from '@rampart/testkit';

import type { Laboratory } from './laboratory.ts';

/** What many callers have met so far. */
export interface Tally {
  /** Requests that were answered with 200. */
  readonly answered: number;
  /** The same for each caller. */
  readonly each: readonly number[];
  /** TCP connections of its process that are open now. */
  readonly connections: number;
  /** What else happened: texts of errors and codes of answers. */
  readonly failures: readonly string[];
}

interface Kept {
  answered: number[];
  readonly failures: string[];
  stopped: boolean;
}

/**
 * Callers in one process that ask one request after the other until they are stopped. Each request takes its time, so that there
 * is a connection for each caller.
 */
export class Callers {
  readonly #laboratory: Laboratory;

  private constructor(laboratory: Laboratory) {
    this.#laboratory = laboratory;
  }

  static async start(laboratory: Laboratory, how: { readonly count: number; readonly url: string }): Promise<Callers> {
    await laboratory.run(({ http: client, kept }, { count, url }: { count: number; url: string }) => {
      const agent = new client.Agent({ keepAlive: true, maxSockets: count, maxFreeSockets: count });
      const callers = {
        answered: Array.from({ length: count }, () => 0),
        failures: [] as string[],
        stopped: false,
      };
      kept['callers'] = callers;
      const ask = (caller: number): void => {
        if (callers.stopped) return;
        const request = client.request(url, { agent, method: 'POST' }, (response) => {
          response.resume();
          response.once('end', () => {
            if (response.statusCode === 200) callers.answered[caller] = (callers.answered[caller] ?? 0) + 1;
            else callers.failures.push(`status ${response.statusCode ?? 0}`);
            ask(caller);
          });
        });
        request.once('error', (error) => {
          callers.failures.push(`${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`);
          setTimeout(() => ask(caller), 100);
        });
        request.write('the first half');
        // Half-way through its body, a request has its connection for itself.
        setTimeout(() => request.end('and the second'), 300 + 20 * (caller % 10));
      };
      for (let caller = 0; caller < count; caller += 1) ask(caller);
    }, how);
    return new Callers(laboratory);
  }

  tally(): Promise<Tally> {
    return this.#laboratory.run(({ kept }) => {
      const { answered, failures } = kept['callers'] as Kept;
      return {
        answered: answered.reduce((sum, each) => sum + each, 0),
        each: answered,
        // The hook has connections of its own, that no agent of the program knows.
        connections: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
        failures: failures.slice(0, 20),
      };
    });
  }

  /** Waits until each caller has had that many more answers. */
  async served(times: number): Promise<Tally> {
    const before = (await this.tally()).each;
    return until(
      `each caller to be answered ${times} more times`,
      async () => {
        const tally = await this.tally();
        const isDone = tally.each.every((count, caller) => count >= (before[caller] ?? 0) + times);
        return isDone || tally.failures.length > 0 ? tally : undefined;
      },
      60_000,
    );
  }

  async stop(): Promise<Tally> {
    await this.#laboratory.run(({ kept }) => {
      (kept['callers'] as Kept).stopped = true;
    });
    return this.tally();
  }
}
