import { create } from '@bufbuild/protobuf';
import { RampartError } from '@rampart/core';
import type { DiscoveredInstance, WatchEvent, WatchRefusal } from '@rampart/registry';
import { type WatchInstancesResponse, WatchInstancesResponseSchema } from '@rampart/wire';
import { eventMessage, presentMessage } from './messages.ts';

const INSTANCES_A_MESSAGE = 256;

/** What a stream is told of an event. @throws RampartError WATCH_COMPACTED. */
export function* messagesOf(event: WatchEvent): Generator<WatchInstancesResponse> {
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

/** Why a watch cannot go on, or begin. */
export function refusalOf(refusal: WatchRefusal): RampartError {
  if (refusal.kind === 'future') return refusal.error;
  const { by, oldest } = refusal;
  const why =
    by === 'rules'
      ? `rules about who may know what changed at revision ${oldest}, and with them perhaps what may be told here`
      : `history begins after revision ${oldest}`;
  return new RampartError('WATCH_COMPACTED', `${why}: begin the watch again without a revision`);
}
