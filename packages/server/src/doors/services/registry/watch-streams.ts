import { create } from '@bufbuild/protobuf';
import { type Clock, RampartError } from '@rampart/core';
import type { DiscoveredInstance, Discovery, WatchEvent, WatchRefusal, WatchScope } from '@rampart/registry';
import { type WatchInstancesResponse, WatchInstancesResponseSchema } from '@rampart/wire';
import { eventMessage, presentMessage } from './messages.ts';

/** How long a watch is silent before it hears how far it has come. */
const BOOKMARK_MS = 5000;
const INSTANCES_A_MESSAGE = 256;

export interface WatchStream {
  readonly discovery: Discovery;
  readonly scope: WatchScope;
  readonly from: number | undefined;
  /** Aborted when the stream is gone. */
  readonly signal: AbortSignal;
  /** Throws when the caller may no longer be told anything; asked before each message. */
  check(): void;
}

/** Watches as streams. Nothing is queued for a slow one: it reads on in history, or hears that history was compacted. */
export class WatchStreams {
  readonly #clock: Clock;
  /** Everybody who waits, woken together when it is time for bookmarks. */
  readonly #waiting = new Set<() => void>();
  #isArmed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws RampartError WATCH_COMPACTED, FUTURE_REVISION, or what `check` throws. */
  async *serve({ discovery, scope, from, signal, check }: WatchStream): AsyncGenerator<WatchInstancesResponse> {
    let wake: () => void = () => undefined;
    const opened = discovery.watch(scope, () => wake(), from);
    if (!opened.ok) throw refusalOf(opened.problem);
    const watch = opened.value;
    try {
      // The first message comes at once, so that whoever watches knows that the watch is there.
      let event = watch.poll() ?? watch.bookmark();
      while (!signal.aborted) {
        if (event !== undefined) {
          check();
          yield* messagesOf(event);
        }
        event = watch.poll();
        if (event !== undefined) continue;
        const isTime = await this.#wait((resolve) => (wake = resolve), signal);
        event = isTime ? watch.bookmark() : undefined;
      }
    } finally {
      watch.close();
    }
  }

  /** True when it is time for a bookmark, false when there may be news. */
  #wait(onNews: (resolve: () => void) => void, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isTime: boolean): void => {
        this.#waiting.delete(ring);
        signal.removeEventListener('abort', news);
        resolve(isTime);
      };
      const ring = (): void => end(true);
      const news = (): void => end(false);
      onNews(news);
      this.#waiting.add(ring);
      signal.addEventListener('abort', news);
      if (signal.aborted) news();
      this.#arm();
    });
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#clock.after(BOOKMARK_MS, () => this.#ring());
  }

  #ring(): void {
    this.#isArmed = false;
    for (const ring of Array.from(this.#waiting)) ring();
  }
}

function* messagesOf(event: WatchEvent): Generator<WatchInstancesResponse> {
  const { kind } = event;
  switch (kind) {
    case 'compacted':
      throw refusalOf(event);
    case 'bookmark':
      yield create(WatchInstancesResponseSchema, { revision: BigInt(event.revision) });
      return;
    case 'changes':
      yield create(WatchInstancesResponseSchema, {
        revision: BigInt(event.revision),
        events: event.changes.map(eventMessage),
      });
      return;
    case 'state':
      yield* stateMessages(event.instances, BigInt(event.revision));
  }
}

function* stateMessages(instances: readonly DiscoveredInstance[], revision: bigint): Generator<WatchInstancesResponse> {
  let start = 0;
  do {
    const end = start + INSTANCES_A_MESSAGE;
    yield create(WatchInstancesResponseSchema, {
      revision,
      reset: start === 0,
      more: end < instances.length,
      events: instances.slice(start, end).map((instance) => presentMessage(instance, revision)),
    });
    start = end;
  } while (start < instances.length);
}

function refusalOf(refusal: WatchRefusal): RampartError {
  if (refusal.kind === 'future') return refusal.error;
  const message = `history begins after revision ${refusal.oldest}: begin the watch again without a revision`;
  return new RampartError('WATCH_COMPACTED', message);
}
