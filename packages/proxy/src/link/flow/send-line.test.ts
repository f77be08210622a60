import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import type { LinkStream } from '../link-stream.ts';
import { linkPair, listen, turns } from '../link.fixture.ts';

const REQUEST = { protocol: 'tcp', port: 1 } as const;
const LARGE = 1_000_000;

/** Two sessions whose listener notes, for each stream, in which order its bytes come. */
async function noted(
  count: number,
): Promise<{ streams: LinkStream[]; order: { stream: number; bytes: number }[]; far: () => number }> {
  const order: { stream: number; bytes: number }[] = [];
  const pair = linkPair(new FakeClock(), {
    limits: { window: 2 * LARGE },
    accept: (stream) => {
      const quiet = { end: () => undefined, drain: () => undefined, close: () => undefined };
      stream.receive({ ...quiet, data: ({ length }) => order.push({ stream: stream.id, bytes: length }) });
      return undefined;
    },
  });
  const streams = Array.from({ length: count }, () => pair.dialer.open(REQUEST));
  for (const stream of streams) listen(stream);
  await turns();
  return { streams, order, far: () => pair.far.arrived };
}

describe('what is sent over a link', () => {
  it('large bodies share it evenly, frame by frame', async () => {
    const { streams, order } = await noted(3);
    for (const stream of streams) stream.write(Buffer.alloc(LARGE));
    await until('all of it is there', () => order.reduce((sum, { bytes }) => sum + bytes, 0) === 3 * LARGE);
    const shares = new Map<number, number>();
    let spread = 0;
    for (const { stream, bytes } of order) {
      shares.set(stream, (shares.get(stream) ?? 0) + bytes);
      const sums = streams.map(({ id }) => shares.get(id) ?? 0);
      spread = Math.max(spread, Math.max(...sums) - Math.min(...sums));
    }
    assert.deepEqual([...shares.values()], [LARGE, LARGE, LARGE]);
    assert.ok(spread <= 2 * 16_384, `one was ${spread} bytes ahead`);
  });

  it('a small message passes large bodies that wait', async () => {
    const { streams, order, far } = await noted(2);
    const [large, small] = streams;
    large?.write(Buffer.alloc(LARGE));
    await turns(3);
    const before = far();
    assert.ok(before < LARGE / 2, 'the body is still under way');
    small?.write(Buffer.alloc(300));
    await turns(100);
    const at = order.findIndex(({ stream }) => stream === small?.id);
    const ahead = order.slice(0, at).reduce((sum, { bytes }) => sum + bytes, 0);
    assert.ok(ahead - before <= 2 * 65_536, `${ahead - before} bytes came before it`);
  });

  const writesOf = async (count: number): Promise<number> => {
    const pair = linkPair(new FakeClock());
    const streams = Array.from({ length: count }, () => pair.dialer.open(REQUEST));
    await turns();
    let writes = 0;
    pair.far.on('data', () => (writes += 1));
    for (const stream of streams) stream.write(Buffer.alloc(300));
    await turns();
    return writes;
  };

  it('small messages of a turn leave in one write', async () => {
    assert.equal(await writesOf(15), 1);
  });

  it('where a turn brings many, the other side gets the first half before the second is there', async () => {
    assert.equal(await writesOf(64), 2);
  });
});
