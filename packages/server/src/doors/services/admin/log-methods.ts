import { Code, ConnectError } from '@connectrpc/connect';
import type { TailLogsResponse } from '@rampart/wire';
import { readHistory, select } from '../../../telemetry/log-query.ts';
import type { ReadBatch } from '../../../telemetry/log-tail.ts';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

const LONGEST_HISTORY = 10_000;
const ENTRIES_A_MESSAGE = 500;
/** Entries a follower may be behind. */
const LONGEST_QUEUE = 50_000;

type LogMessage = Pick<TailLogsResponse, 'records' | 'connections'>;

/** The access log, as it was and as it comes. */
export function createLogMethods({ logs, tail }: Pick<AdminParts, 'logs' | 'tail'>): AdminMethods<'tailLogs'> {
  return {
    async *tailLogs(request, context) {
      operatorOf(context);
      // Following begins before history is read, so that nothing falls between the two.
      const queue = new FollowQueue(context.signal);
      const stop = request.follow ? tail.follow((batch) => queue.push(batch)) : () => undefined;
      // A reader that died in the middle of a message never asks for the next one, so that nothing below would run.
      context.signal.addEventListener('abort', stop);
      try {
        const history = await readHistory(logs, tail, {
          filter: request,
          count: Math.min(request.history, LONGEST_HISTORY),
        });
        yield* messages(history);
        if (!request.follow) {
          return;
        }
        for await (const batch of queue) {
          if (batch.position > history.upTo) {
            yield* messages(select(batch, request));
          }
        }
      } finally {
        stop();
      }
    },
  };
}

function* messages({
  records,
  connections,
}: {
  readonly records: readonly object[];
  readonly connections: readonly object[];
}): Generator<LogMessage> {
  for (let start = 0; start < Math.max(records.length, connections.length); start += ENTRIES_A_MESSAGE) {
    yield { records: lines(records, start), connections: lines(connections, start) };
  }
}

function lines(entries: readonly object[], start: number): string[] {
  return entries.slice(start, start + ENTRIES_A_MESSAGE).map((entry) => JSON.stringify(entry));
}

/** Batches on their way to one follower. Ends with the call; refuses to grow without bound. */
class FollowQueue implements AsyncIterable<ReadBatch> {
  readonly #signal: AbortSignal;
  readonly #batches: ReadBatch[] = [];
  #wake: (() => void) | undefined;
  #overrun = false;
  #waiting = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  push(batch: ReadBatch): void {
    this.#overrun ||= this.#waiting >= LONGEST_QUEUE;
    if (!this.#overrun) {
      this.#batches.push(batch);
      this.#waiting += batch.size;
    }
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReadBatch> {
    while (!this.#signal.aborted) {
      const batch = this.#batches.shift();
      if (batch !== undefined) {
        this.#waiting -= batch.size;
        yield batch;
      } else if (this.#overrun) {
        throw new ConnectError(
          'records come faster than this reader takes them: filter them, or connect again',
          Code.ResourceExhausted,
        );
      } else {
        await this.#pushed();
      }
    }
  }

  #pushed(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        this.#signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      this.#signal.addEventListener('abort', done);
    });
  }
}
