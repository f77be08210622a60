import { toBinary } from '@bufbuild/protobuf';
import type { InstanceChange, WatchEvent } from '@rampart/registry';
import { WatchInstancesResponseSchema } from '@rampart/wire';
import { frameOf } from '../../streams/encoded-lane.ts';
import { messagesOf } from './watch-messages.ts';

type Frames = readonly Uint8Array[];

/** Events as they are told over the wire. Streams are told of a change one after the other: the last event is the next one's, too. */
export class EventFrames {
  #last: { readonly event: WatchEvent; readonly frames: Frames } | undefined;

  /** @throws RampartError WATCH_COMPACTED. */
  of(event: WatchEvent): Frames {
    if (this.#last !== undefined && isSame(this.#last.event, event)) return this.#last.frames;
    const frames = Array.from(messagesOf(event), (message) => frameOf(toBinary(WatchInstancesResponseSchema, message)));
    this.#last = { event, frames };
    return frames;
  }
}

function isSame(a: WatchEvent, b: WatchEvent): boolean {
  if (a.kind === 'bookmark' && b.kind === 'bookmark') return a.revision === b.revision;
  if (a.kind !== 'changes' || b.kind !== 'changes') return false;
  return a.revision === b.revision && areSame(a.changes, b.changes);
}

function areSame(a: readonly InstanceChange[], b: readonly InstanceChange[]): boolean {
  return a.length === b.length && a.every((change, index) => change === b[index]);
}
