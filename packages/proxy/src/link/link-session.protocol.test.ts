import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { FRAME, type FrameType } from './frame/format.ts';
import type { FrameWriter } from './frame/frame-writer.ts';
import { listen, rawPeer } from './link.fixture.ts';

const OPEN = Buffer.from('03001f90', 'hex');

function hello(frames: FrameWriter, { streams = 1024, window = 65_536 } = {}): void {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(streams, 0);
  payload.writeUInt32BE(window, 4);
  frames.bytes(FRAME.HELLO, 0, payload);
}

function open(frames: FrameWriter, stream = 1): void {
  frames.bytes(FRAME.OPEN, stream, OPEN);
}

function many(count: number, frame: (index: number) => void): void {
  for (let index = 0; index < count; index += 1) frame(index);
}

const LIMITS = { opens: 200, resets: 50, pings: 10, windows: 100 };

interface Breach {
  readonly rule: string;
  readonly ends: string;
  readonly without?: 'HELLO';
  send(frames: FrameWriter): void;
}

const breaches: readonly Breach[] = [
  { rule: 'a frame before HELLO', ends: 'protocol-error', without: 'HELLO', send: (frames) => open(frames) },
  {
    rule: 'PING before HELLO',
    ends: 'protocol-error',
    without: 'HELLO',
    send: (frames) => frames.bytes(FRAME.PING, 0, Buffer.alloc(8)),
  },
  { rule: 'a second HELLO', ends: 'protocol-error', send: (frames) => hello(frames) },
  {
    rule: 'HELLO of too few streams',
    ends: 'protocol-error',
    without: 'HELLO',
    send: (frames) => hello(frames, { streams: 127 }),
  },
  {
    rule: 'HELLO of too small a window',
    ends: 'protocol-error',
    without: 'HELLO',
    send: (frames) => hello(frames, { window: 65_535 }),
  },
  {
    rule: 'HELLO of too large a window',
    ends: 'protocol-error',
    without: 'HELLO',
    send: (frames) => hello(frames, { window: 2 ** 31 }),
  },
  {
    rule: 'bytes that are no frame',
    ends: 'protocol-error',
    send: (frames) => frames.empty(0x47 as FrameType, 0x45_54_20_2f),
  },
  { rule: 'DATA on a stream that nobody opened', ends: 'protocol-error', send: (frames) => frames.data(1, OPEN) },
  {
    rule: 'END on a stream of this side that was never opened',
    ends: 'protocol-error',
    send: (frames) => frames.empty(FRAME.END, 4),
  },
  { rule: 'OPEN of a stream that is this side’s to open', ends: 'protocol-error', send: (frames) => open(frames, 2) },
  { rule: 'OPEN twice', ends: 'protocol-error', send: (frames) => [open(frames), open(frames)] },
  {
    rule: 'OPEN with a number that goes back',
    ends: 'protocol-error',
    send: (frames) => [open(frames, 5), open(frames, 3)],
  },
  {
    rule: 'OPEN with an unknown protocol',
    ends: 'protocol-error',
    send: (frames) => frames.bytes(FRAME.OPEN, 1, Buffer.from('09001f90', 'hex')),
  },
  {
    rule: 'OPEN with a reserved byte',
    ends: 'protocol-error',
    send: (frames) => frames.bytes(FRAME.OPEN, 1, Buffer.from('01011f90', 'hex')),
  },
  {
    rule: 'OPEN with port 0',
    ends: 'protocol-error',
    send: (frames) => frames.bytes(FRAME.OPEN, 1, Buffer.from('01000000', 'hex')),
  },
  {
    rule: 'DATA after END',
    ends: 'protocol-error',
    send: (frames) => [open(frames), frames.empty(FRAME.END, 1), frames.data(1, OPEN)],
  },
  {
    rule: 'END twice',
    ends: 'protocol-error',
    send: (frames) => [open(frames), frames.empty(FRAME.END, 1), frames.empty(FRAME.END, 1)],
  },
  {
    rule: 'DATA after RESET',
    ends: 'protocol-error',
    send: (frames) => [open(frames), frames.byte(FRAME.RESET, 1, 16), frames.data(1, OPEN)],
  },
  {
    rule: 'RESET with an unknown reason',
    ends: 'protocol-error',
    send: (frames) => [open(frames), frames.byte(FRAME.RESET, 1, 99)],
  },
  {
    rule: 'WINDOW of nothing',
    ends: 'protocol-error',
    send: (frames) => [open(frames), frames.word(FRAME.WINDOW, 1, 0)],
  },
  {
    rule: 'WINDOW that overflows',
    ends: 'flow-control',
    send: (frames) => [open(frames), frames.word(FRAME.WINDOW, 1, 2 ** 31 - 1)],
  },
  {
    rule: 'WINDOW that overflows at once',
    ends: 'flow-control',
    send: (frames) => [open(frames), frames.word(FRAME.WINDOW, 1, 2 ** 32 - 1)],
  },
  {
    rule: 'DATA beyond the window of one who does not read',
    ends: 'flow-control',
    send: (frames) => [open(frames), many(5, () => frames.data(1, Buffer.alloc(16_000)))],
  },
  {
    rule: 'PONG that nobody asked for',
    ends: 'protocol-error',
    send: (frames) => frames.bytes(FRAME.PONG, 0, Buffer.alloc(8)),
  },
  {
    rule: 'OPEN after GOAWAY',
    ends: 'protocol-error',
    send: (frames) => [open(frames), frames.byte(FRAME.GOAWAY, 0, 0), open(frames, 3)],
  },
  {
    rule: 'GOAWAY twice',
    ends: 'protocol-error',
    send: (frames) => [open(frames), many(2, () => frames.byte(FRAME.GOAWAY, 0, 0))],
  },
  { rule: 'GOAWAY with an unknown reason', ends: 'protocol-error', send: (frames) => frames.byte(FRAME.GOAWAY, 0, 99) },
  {
    rule: 'a flood of PING',
    ends: 'flood',
    send: (frames) => many(11, () => frames.bytes(FRAME.PING, 0, Buffer.alloc(8))),
  },
  { rule: 'a flood of OPEN', ends: 'flood', send: (frames) => many(401, (index) => open(frames, index * 2 + 1)) },
  {
    rule: 'a flood of RESET (rapid reset)',
    ends: 'flood',
    send: (frames) => many(51, (index) => [open(frames, index * 2 + 1), frames.byte(FRAME.RESET, index * 2 + 1, 16)]),
  },
  {
    rule: 'a flood of WINDOW',
    ends: 'flood',
    send: (frames) => [open(frames), many(101, () => frames.word(FRAME.WINDOW, 1, 1))],
  },
  {
    rule: 'a flood of RESET for a stream that is closed',
    ends: 'flood',
    send: (frames) => [open(frames), many(51, () => frames.byte(FRAME.RESET, 1, 16))],
  },
];

describe('a peer that breaks the protocol', () => {
  for (const { rule, ends, without, send } of breaches) {
    it(rule, async () => {
      const peer = rawPeer(new FakeClock(), { limits: LIMITS });
      const ours = listen(peer.session.open({ protocol: 'tcp', port: 1 }));
      if (without !== 'HELLO') hello(peer.frames);
      send(peer.frames);
      // Whatever comes afterwards is not looked at.
      hello(peer.frames);
      await peer.send();
      assert.deepEqual(peer.events, ['session draining', `session closed: ${ends}`]);
      assert.deepEqual(peer.faults, [ends]);
      assert.equal(ours.events.join(), 'close');
      assert.match(peer.heard.at(-1) ?? '', /^GOAWAY 0 0[123]$/);
      assert.equal(peer.session.streams, 0);
    });
  }

  it('is told, and tells: GOAWAY with a reason closes the session with it', async () => {
    const peer = rawPeer(new FakeClock());
    hello(peer.frames);
    peer.frames.byte(FRAME.GOAWAY, 0, 2);
    await peer.send();
    assert.deepEqual(peer.events, ['session draining', 'session closed: flow-control']);
    assert.deepEqual(peer.faults, []);
  });
});

describe('limits that cost a stream, not the session', () => {
  it('streams beyond the most at a time are refused, and taken again when there is room', async () => {
    const peer = rawPeer(new FakeClock(), { limits: { streams: 128 } });
    hello(peer.frames);
    many(130, (index) => open(peer.frames, index * 2 + 1));
    await peer.send();
    assert.equal(peer.accepted.length, 128);
    assert.deepEqual(
      peer.heard.filter((each) => each.startsWith('RESET')),
      ['RESET 257 01', 'RESET 259 01'],
    );
    for (const stream of [1, 257, 259]) peer.frames.byte(FRAME.RESET, stream, 16);
    open(peer.frames, 261);
    await peer.send();
    assert.deepEqual([peer.accepted.length, peer.events], [129, []]);
  });

  it('streams beyond the most in a second are refused, and taken again later', async () => {
    const clock = new FakeClock();
    const peer = rawPeer(clock, { limits: { opens: 3 } });
    hello(peer.frames);
    many(5, (index) => open(peer.frames, index * 2 + 1));
    await peer.send();
    assert.equal(peer.accepted.length, 3);
    await clock.advance(1000);
    open(peer.frames, 11);
    await peer.send();
    assert.deepEqual([peer.accepted.length, peer.events], [4, []]);
  });

  it('bytes of a stream that was reset are dropped until the other side knows', async () => {
    const peer = rawPeer(new FakeClock(), { accept: () => 'not-served' });
    hello(peer.frames);
    open(peer.frames);
    peer.frames.data(1, Buffer.alloc(16_000));
    peer.frames.empty(FRAME.END, 1);
    peer.frames.byte(FRAME.RESET, 1, 16);
    await peer.send();
    assert.deepEqual(
      peer.heard.filter((each) => each.includes(' 1 ')),
      ['RESET 1 02'],
    );
    assert.deepEqual([peer.session.streams, peer.events], [0, []]);
  });

  it('answers that nobody reads end the session before they fill memory', async () => {
    const peer = rawPeer(new FakeClock(), {
      limits: { opens: 1e6, resets: 1e6, unreadAnswers: 10_000 },
      accept: () => 'denied',
    });
    peer.end.pause();
    hello(peer.frames);
    many(60_000, (index) => [open(peer.frames, index * 2 + 1), peer.frames.byte(FRAME.RESET, index * 2 + 1, 16)]);
    peer.session.open({ protocol: 'tcp', port: 1 });
    await peer.send();
    await until('the session ends', () => peer.events.includes('session closed: flood'));
  });
});
