import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { LinkError } from './link-error.ts';
import { linkPair, listen, turns } from './link.fixture.ts';

const REQUEST = { protocol: 'http/1.1', port: 8080 } as const;

describe('a stream of a link', () => {
  it('is opened with what it is for', async () => {
    const { dialer, accepted } = linkPair(new FakeClock());
    dialer.open({ protocol: 'tcp', port: 5432, metadata: Buffer.from('orders') });
    dialer.open(REQUEST);
    await turns();
    assert.deepEqual(
      accepted.map(({ request }) => [request.protocol, request.port, request.metadata?.toString()]),
      [
        ['tcp', 5432, 'orders'],
        ['http/1.1', 8080, undefined],
      ],
    );
  });

  it('carries bytes both ways, and each direction ends by itself', async () => {
    const { dialer, accepted } = linkPair(new FakeClock(), { cut: () => 3 });
    const near = dialer.open(REQUEST);
    const nearSide = listen(near);
    near.write(Buffer.from('question'));
    near.end();
    await turns(60);
    const [far] = accepted;
    assert.ok(far);
    const farSide = listen(far);
    await turns();
    assert.deepEqual(farSide.events, ['data', 'end']);
    assert.equal(farSide.text, 'question');
    far.write(Buffer.from('answer'));
    far.end();
    await turns(60);
    assert.equal(nearSide.text, 'answer');
    assert.deepEqual(nearSide.events, ['data', 'end', 'close']);
    assert.deepEqual(farSide.events, ['data', 'end', 'close']);
    assert.equal(nearSide.error, undefined);
    assert.deepEqual([near.bytesWritten, near.bytesRead, dialer.streams], [8, 6, 0]);
  });

  it('brings nothing from within a call to it', async () => {
    const { dialer, accepted } = linkPair(new FakeClock());
    const near = dialer.open(REQUEST);
    near.write(Buffer.from('waits'));
    await turns();
    const [far] = accepted;
    assert.ok(far);
    const farSide = listen(far);
    assert.deepEqual(farSide.events, []);
    await turns();
    assert.deepEqual(farSide.events, ['data']);
    far.pause();
    near.write(Buffer.from(' more'));
    await turns();
    assert.equal(farSide.text, 'waits');
    far.resume();
    far.reset();
    assert.deepEqual(farSide.events, ['data']);
    await turns();
    assert.deepEqual(farSide.events, ['data', 'close']);
  });

  it('a reset tells the other side why', async () => {
    const { dialer, accepted, events } = linkPair(new FakeClock());
    const near = dialer.open(REQUEST);
    const nearSide = listen(near);
    await turns();
    accepted[0]?.reset(new LinkError('unavailable'));
    await turns();
    assert.deepEqual(nearSide.events, ['close']);
    assert.equal((nearSide.error as LinkError).reason, 'unavailable');
    assert.equal((nearSide.error as LinkError).isRefusal, true);
    assert.deepEqual([dialer.streams, events], [0, []]);
  });

  it('a refused stream is closed with the reason, and its bytes are dropped', async () => {
    const { dialer, listener, events } = linkPair(new FakeClock(), { accept: () => 'denied' });
    const near = dialer.open(REQUEST);
    const nearSide = listen(near);
    near.write(Buffer.alloc(40_000));
    await turns();
    assert.equal((nearSide.error as LinkError).reason, 'denied');
    assert.deepEqual([dialer.streams, listener.streams, events], [0, 0, []]);
  });

  it('an acceptor or a receiver that throws costs its stream, not the link', async () => {
    const { dialer, accepted, events } = linkPair(new FakeClock(), {
      accept: (stream, { port }) => {
        if (port === 1) throw new Error('broken acceptor');
        stream.receive({
          data: () => {
            throw new Error('broken receiver');
          },
          end: () => undefined,
          drain: () => undefined,
          close: () => undefined,
        });
        return undefined;
      },
    });
    const sides = [1, 2].map((port) => {
      const stream = dialer.open({ protocol: 'tcp', port });
      stream.write(Buffer.from('x'));
      return listen(stream);
    });
    await turns();
    assert.deepEqual(
      sides.map(({ error }) => (error as LinkError).reason),
      ['internal', 'internal'],
    );
    assert.deepEqual([accepted.length, dialer.streams, events], [2, 0, []]);
  });

  it('a reader that stopped holds its own writer back, and nobody else', async () => {
    const { dialer, accepted, far } = linkPair(new FakeClock());
    const slow = dialer.open(REQUEST);
    const slowSide = listen(slow);
    const quick = dialer.open(REQUEST);
    await turns();
    accepted[0]?.pause();
    let hasRoom = true;
    for (let chunk = 0; chunk < 64; chunk += 1) hasRoom = slow.write(Buffer.alloc(16_000));
    assert.equal(hasRoom, false);
    await turns();
    assert.ok(far.arrived < 70_000, `${far.arrived} bytes for a reader of 65,536`);
    const quickSide = accepted[1] && listen(accepted[1]);
    quick.write(Buffer.alloc(5_000_000));
    await until('the other stream is through', () => quickSide?.received === 5_000_000);
    const [held] = accepted;
    assert.ok(held);
    const heldSide = listen(held);
    held.resume();
    await until('and then the slow one', () => heldSide.received === 64 * 16_000);
    assert.deepEqual(slowSide.events, ['drain']);
  });
});

describe('a session', () => {
  it('goes away when its streams are over, and takes those that were on their way', async () => {
    const { dialer, listener, accepted, events } = linkPair(new FakeClock());
    const first = dialer.open(REQUEST);
    await turns();
    listener.drain(10_000);
    const crossing = dialer.open(REQUEST);
    await turns();
    assert.equal(accepted.length, 2);
    assert.deepEqual(events.toSorted(), ['dialer draining', 'listener draining']);
    assert.equal(dialer.room, 0);
    const late = listen(dialer.open(REQUEST));
    await turns();
    assert.equal((late.error as LinkError).reason, 'going-away');
    for (const stream of [first, crossing, ...accepted]) stream.end();
    await turns();
    assert.deepEqual(events.slice(2).toSorted(), ['dialer closed: in order', 'listener closed: in order']);
  });

  it('ends what is left of it at the deadline', async () => {
    const clock = new FakeClock();
    const { dialer, listener, events } = linkPair(clock);
    const side = listen(dialer.open(REQUEST));
    await turns();
    listener.drain(10_000);
    await clock.advance(9999);
    assert.equal(side.isClosed, false);
    await clock.advance(1);
    await turns();
    assert.equal((side.error as LinkError).reason, 'deadline');
    assert.deepEqual(events.slice(2).toSorted(), ['dialer closed: deadline', 'listener closed: deadline']);
  });

  it('is given less time where it is asked again, never more', async () => {
    const clock = new FakeClock();
    const { dialer, listener } = linkPair(clock);
    const side = listen(dialer.open(REQUEST));
    await turns();
    listener.drain(10_000, 'expired');
    listener.drain(5000);
    listener.drain(20_000);
    await clock.advance(5000);
    await turns();
    assert.equal((side.error as LinkError).reason, 'deadline');
  });

  it('says that its certificates have ended where that is why', async () => {
    const clock = new FakeClock();
    const { dialer, listener, events } = linkPair(clock);
    const side = listen(dialer.open(REQUEST));
    await turns();
    listener.drain(10_000, 'expired');
    await clock.advance(10_000);
    await turns();
    assert.match(side.error?.message ?? '', /^a certificate that the link began with has ended/);
    assert.deepEqual(events.slice(2).toSorted(), ['dialer closed: expired', 'listener closed: expired']);
  });

  it('a silent peer is asked, then given up', async () => {
    const clock = new FakeClock();
    const { dialer, events, near, far } = linkPair(clock);
    const side = listen(dialer.open(REQUEST));
    await turns();
    far.removeAllListeners('data');
    near.removeAllListeners('end');
    await clock.advance(28_000);
    assert.equal(side.isClosed, false);
    await clock.advance(2_000);
    assert.equal((side.error as LinkError).reason, 'dead-peer');
    assert.match(events.join(), /dialer closed: dead-peer/);
  });

  it('a peer that answers is not', async () => {
    const clock = new FakeClock();
    const { dialer, events } = linkPair(clock);
    dialer.open(REQUEST);
    for (let minute = 0; minute < 10; minute += 1) await clock.advance(60_000);
    assert.deepEqual(events, []);
  });

  it('a transport that is lost costs every stream, with a reason', async () => {
    const { dialer, accepted, events, near } = linkPair(new FakeClock());
    const nearSide = listen(dialer.open(REQUEST));
    await turns();
    const [far] = accepted;
    assert.ok(far);
    const farSide = listen(far);
    near.destroy();
    await turns();
    assert.equal((nearSide.error as LinkError).reason, 'connection-lost');
    assert.equal((farSide.error as LinkError).reason, 'connection-lost');
    assert.ok(events.includes('listener closed: connection-lost'));
  });
});
