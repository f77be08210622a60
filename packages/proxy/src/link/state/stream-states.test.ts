import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { RECEIVED, SENT, STREAM_FRAMES, type StreamFrame, type StreamState } from './stream-states.ts';

/** One stream between two sides, with the frames that are on their way to each of them. */
interface Between {
  readonly states: readonly [StreamState, StreamState];
  readonly toward: readonly [readonly StreamFrame[], readonly StreamFrame[]];
}

/** Frames on their way in one direction. A longer queue holds no order of frames that this one does not. */
const LONGEST_QUEUE = 4;

function sends(at: Between, side: 0 | 1, frame: StreamFrame): Between | undefined {
  const outcome = SENT[at.states[side]][frame];
  const queue = at.toward[side === 0 ? 1 : 0];
  if (outcome === 'never' || queue.length >= LONGEST_QUEUE) return undefined;
  return changed({ at, side, state: stateOf(outcome), sent: [frame] });
}

function receives(at: Between, side: 0 | 1): Between | undefined {
  const [frame] = at.toward[side];
  if (frame === undefined) return undefined;
  const outcome = RECEIVED[at.states[side]][frame];
  assert.notEqual(
    outcome,
    'error',
    `${frame} breaks ${at.states[side]}; the other side is ${at.states[side === 0 ? 1 : 0]}`,
  );
  const taken: Between = {
    ...at,
    toward: side === 0 ? [at.toward[0].slice(1), at.toward[1]] : [at.toward[0], at.toward[1].slice(1)],
  };
  return changed({ at: taken, side, state: stateOf(outcome), sent: outcome.endsWith('answer') ? ['RESET'] : [] });
}

interface Change {
  readonly at: Between;
  readonly side: 0 | 1;
  readonly state: StreamState;
  readonly sent: readonly StreamFrame[];
}

function changed({ at: { states, toward }, side, state, sent }: Change): Between {
  return side === 0
    ? { states: [state, states[1]], toward: [toward[0], [...toward[1], ...sent]] }
    : { states: [states[0], state], toward: [[...toward[0], ...sent], toward[1]] };
}

function stateOf(outcome: string): StreamState {
  return outcome.split(' + ', 1)[0] as StreamState;
}

function next(at: Between): Between[] {
  const steps = ([0, 1] as const).flatMap((side) => [
    receives(at, side),
    // A stream is opened by one side: its number says which.
    ...STREAM_FRAMES.map((frame) => (frame === 'OPEN' && side === 1 ? undefined : sends(at, side, frame))),
  ]);
  return steps.filter((step) => step !== undefined);
}

/** Everything that can become of a stream, whatever either side does and in whatever order it arrives. */
function everything(): Between[] {
  const first: Between = { states: ['idle', 'idle'], toward: [[], []] };
  const seen = new Map([[JSON.stringify(first), first]]);
  for (const at of seen.values()) {
    for (const step of next(at)) {
      const key = JSON.stringify(step);
      if (!seen.has(key)) seen.set(key, step);
    }
  }
  return [...seen.values()];
}

describe('the states of a stream', () => {
  const all = everything();

  it('no side that holds to the table is ever found to break it', () => {
    assert.ok(all.length > 5000, `${all.length} situations`);
  });

  it('every state is reached', () => {
    assert.deepEqual(new Set(all.flatMap(({ states }) => states)), new Set(Object.keys(SENT)));
  });

  it('a side that is closed while nothing is on its way has a peer that is closed', () => {
    const settled = all.filter(
      ({ states, toward }) => states.includes('closed') && toward.every((queue) => queue.length === 0),
    );
    assert.ok(settled.length > 0);
    for (const { states } of settled) assert.deepEqual(states, ['closed', 'closed']);
  });

  it('a reset that was sent and heard leaves nobody waiting', () => {
    const quiet = all.filter(({ toward }) => toward.every((queue) => queue.length === 0));
    for (const { states } of quiet)
      assert.ok(!states.some((state) => state.startsWith('resetting')), states.join(', '));
  });
});
