import type { Journal } from '@rampart/journal';
import type { Logger } from '../log.ts';
import type { Counter, Metrics } from '../metrics.ts';
import type { FailureLimit } from './limits/failure-limit.ts';
import type { Refusal } from './gate.ts';

export interface RefusalsOptions {
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly failures: FailureLimit;
}

/** Counts, logs and records calls that the door refused. */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #counter: Counter;

  constructor(options: RefusalsOptions) {
    this.#options = options;
    this.#counter = options.metrics.counter(
      'rampart_refused_calls_total',
      'Calls that the API did not let in, by error code.',
    );
  }

  add({ method, remoteAddress, error }: Refusal): void {
    const { journal, log, failures } = this.#options;
    this.#counter.add({ code: error.code });
    log.warn({ method, remoteAddress, code: error.code, reason: error.message }, 'a call was refused');
    if (failures.blocks(remoteAddress)) {
      // Whoever goes on and on is counted, but cannot fill the record.
      return;
    }
    journal
      .audit({
        eventType: 'ACCESS_DENIED',
        sourceIp: remoteAddress,
        result: 'DENIED',
        details: { method, code: error.code, reason: error.message },
      })
      .catch((cause: unknown) => log.error({ error: cause }, 'a refusal could not be recorded'));
  }
}
