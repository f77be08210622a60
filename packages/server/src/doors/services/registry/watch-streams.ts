import type { Clock } from '@rampart/core';
import type { Discovery, WatchEvent, WatchScope } from '@rampart/registry';
import type { WatchInstancesResponse } from '@rampart/wire';
import type { EncodedLane } from '../../streams/encoded-lane.ts';
import { Bell } from './bell.ts';
import { EventFrames } from './event-frames.ts';
import { messagesOf, refusalOf } from './watch-messages.ts';

/** How long a watch is silent before it hears how far it has come. */
const BOOKMARK_MS = 5000;

export interface WatchStream {
  readonly discovery: Discovery;
  readonly scope: WatchScope;
  readonly from: number | undefined;
  /** Aborted when the stream is gone. */
  readonly signal: AbortSignal;
  /** Where messages go that many streams have in common, once the first has gone the usual way; undefined where there is none. */
  readonly lane: EncodedLane | undefined;
  /** Throws when the caller may no longer be told anything; asked before each message. */
  check(): void;
}

/** Watches as streams. Nothing is queued for a slow one: it reads on in history, or hears that history was compacted. */
export class WatchStreams {
  readonly #clock: Clock;
  readonly #frames = new EventFrames();
  /** Of every stream; rung together when it is time for bookmarks. */
  readonly #bells = new Set<Bell>();
  #isArmed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws RampartError WATCH_COMPACTED, FUTURE_REVISION, or what `check` throws. */
  async *serve(stream: WatchStream): AsyncGenerator<WatchInstancesResponse> {
    const { discovery, scope, from, signal } = stream;
    const bell = new Bell();
    const news = (): void => bell.ring(false);
    const opened = discovery.watch(scope, news, from);
    if (!opened.ok) throw refusalOf(opened.problem);
    const watch = opened.value;
    signal.addEventListener('abort', news);
    this.#bells.add(bell);
    this.#arm();
    try {
      // The first message comes at once, so that whoever watches knows that the watch is there.
      let event = watch.poll() ?? watch.bookmark();
      let isFirst = true;
      while (!signal.aborted) {
        if (event !== undefined) {
          stream.check();
          if (isFirst || stream.lane === undefined) yield* messagesOf(event);
          else await this.#tell(event, stream.lane, signal);
          isFirst = false;
        }
        event = watch.poll();
        if (event === undefined && !signal.aborted && (await bell.rung())) event = watch.bookmark();
      }
    } finally {
      this.#bells.delete(bell);
      signal.removeEventListener('abort', news);
      watch.close();
    }
  }

  async #tell(event: WatchEvent, lane: EncodedLane, signal: AbortSignal): Promise<void> {
    for (const frame of this.#frames.of(event)) if (!lane.write(frame)) await lane.drained(signal);
  }

  #arm(): void {
    if (this.#isArmed || this.#bells.size === 0) return;
    this.#isArmed = true;
    this.#clock.after(BOOKMARK_MS, () => {
      this.#isArmed = false;
      for (const bell of Array.from(this.#bells)) bell.ring(true);
      this.#arm();
    });
  }
}
