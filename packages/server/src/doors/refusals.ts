import type { ErrorCode } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { Logger } from '../log.ts';
import type { Counter, Metrics } from '../metrics.ts';
import type { FailureLimit } from './limits/failure-limit.ts';
import type { Refusal } from './gate.ts';
import { AuthenticationRefused } from './participants.ts';

export interface RefusalsOptions {
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly failures: FailureLimit;
}

const ACCESS_DENIED = { eventType: 'ACCESS_DENIED' };
const AUTHENTICATION_FAILED = { eventType: 'AUTHENTICATION_FAILED' };
const UNPROVEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNAUTHENTICATED',
  'INVALID_CERTIFICATE',
  'CERTIFICATE_REVOKED',
]);

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
    const reason = error instanceof AuthenticationRefused ? (error.detail ?? error.message) : error.message;
    journal
      .audit({
        ...(UNPROVEN.has(error.code) ? AUTHENTICATION_FAILED : ACCESS_DENIED),
        identity: error instanceof AuthenticationRefused ? error.attempted : '',
        sourceIp: remoteAddress,
        result: 'DENIED',
        details: { method, code: error.code, reason },
      })
      .catch((cause: unknown) => log.error({ error: cause }, 'a refusal could not be recorded'));
  }
}
