import type { ConnectError, Interceptor } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { Logger } from '../../log.ts';
import type { Counter, Metrics } from '../../metrics.ts';
import { isOurFault, toConnectError } from './connect-error.ts';
import { ERROR_CODE_METADATA } from './error-code-metadata.ts';

/** Counts how calls end, tells callers what they may know of a failure, and operators what they must. */
export class CallOutcomes {
  readonly #log: Logger;
  readonly #calls: Counter;

  constructor({ log, metrics }: { readonly log: Logger; readonly metrics: Metrics }) {
    this.#log = log;
    this.#calls = metrics.counter(
      'rampart_calls_total',
      'Calls of the API that were let in, by method and how they ended.',
    );
  }

  /** @param method "rampart.v1.RegistryService/Find". */
  done(method: string): void {
    this.#calls.add({ method, code: 'OK' });
  }

  /** What the caller is told. */
  failed(method: string, error: unknown): ConnectError {
    if (isOurFault(error)) {
      const detail = error instanceof RampartError ? error.detail : undefined;
      this.#log.error({ method, error, detail }, 'a call failed');
    }
    const told = toConnectError(error);
    this.#calls.add({ method, code: told.metadata.get(ERROR_CODE_METADATA) ?? 'OTHER' });
    return told;
  }
}

/** The same for calls that go through the protocol library. */
export function callOutcomes(outcomes: CallOutcomes): Interceptor {
  return (next) => async (request) => {
    const method = `${request.service.typeName}/${request.method.name}`;
    const outcome: Outcome = {
      done: () => outcomes.done(method),
      failed: (error) => outcomes.failed(method, error),
    };
    try {
      const response = await next(request);
      if (response.stream) {
        return { ...response, message: observed(response.message, outcome) };
      }
      outcome.done();
      return response;
    } catch (error) {
      throw outcome.failed(error);
    }
  };
}

interface Outcome {
  done(): void;
  failed(error: unknown): ConnectError;
}

async function* observed<T>(messages: AsyncIterable<T>, outcome: Outcome): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw outcome.failed(error);
  }
  outcome.done();
}
