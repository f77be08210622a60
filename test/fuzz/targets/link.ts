import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';

import { LinkSession, type LinkStream } from '@rampart/proxy';

import { outcome, type FuzzTarget } from '../engine/target.ts';

const LONGEST_HELD = 4 * 1024 * 1024;

interface Frame {
  readonly type: number;
  readonly stream?: number;
  readonly payload?: Uint8Array;
}

function frames(...list: readonly Frame[]): Uint8Array {
  return Buffer.concat(
    list.map(({ type, stream = 0, payload = Buffer.alloc(0) }) => {
      const header = Buffer.alloc(8);
      header.writeUInt8(type, 0);
      header.writeUInt16BE(payload.length, 2);
      header.writeUInt32BE(stream, 4);
      return Buffer.concat([header, payload]);
    }),
  );
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

const hello: Frame = { type: 1, payload: hex('0000040000010000') };
const open: Frame = { type: 2, stream: 1, payload: hex('01001f90') };
const data: Frame = { type: 3, stream: 1, payload: Buffer.from('GET / HTTP/1.1\r\n\r\n') };

/** A transport that a peer wrote to: what is sent back goes nowhere. */
function transport(): Duplex {
  return new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
}

/** What becomes of these bytes when they arrive in such pieces. */
function link(input: Uint8Array, cut: number): string[] {
  const story: string[] = [];
  let held = 0;
  const end = transport();
  const session = new LinkSession({
    transport: end,
    role: 'listener',
    clock: { now: () => 0, after: () => ({ cancel: () => undefined }) },
    random: () => 0,
    accept: (stream, { protocol, port, metadata }) => {
      story.push(`opened ${stream.id} ${protocol} ${port} ${metadata?.length ?? 0}`);
      if (port % 3 === 1) return 'denied';
      listen(stream, story);
      if (port % 3 === 2) stream.pause();
      if (port % 5 === 1) stream.end();
      return undefined;
    },
  });
  listen(session.open({ protocol: 'tcp', port: 1 }), story);
  for (let at = 0; at < input.length; at += cut) {
    end.emit('data', Buffer.from(input.subarray(at, at + cut)));
    held = Math.max(held, session.buffered);
  }
  story.push(`${session.streams} streams`);
  session.destroy();
  assert.ok(held <= LONGEST_HELD, `${held} bytes held of ${input.length}`);
  assert.equal(session.streams, 0);
  return story;
}

function listen(stream: LinkStream, story: string[]): void {
  let text = '';
  stream.receive({
    data: (chunk) => {
      text += chunk.toString('latin1');
    },
    end: () => story.push(`ended ${stream.id}`, `read ${text}`),
    drain: () => undefined,
    close: (error) => story.push(`closed ${stream.id} ${error?.message}`, `read ${text}`),
  });
}

/** What another proxy sends over a link: the same comes of it however it is cut, and it ends the session or does not. */
export const linkFrames: FuzzTarget = {
  name: 'link',
  form: 'bytes',
  seeds: [
    frames(hello, open, data, { type: 4, stream: 1 }),
    frames(
      hello,
      open,
      data,
      { type: 5, stream: 1, payload: hex('10') },
      { ...open, stream: 3, payload: hex('03001f9161') },
      { ...data, stream: 3 },
    ),
    frames(
      hello,
      { type: 6, stream: 2, payload: hex('00010000') },
      { type: 3, stream: 2, payload: hex('00') },
      { type: 4, stream: 2 },
    ),
    frames(
      hello,
      { type: 7, payload: hex('0000000000000001') },
      { type: 8, payload: hex('0000000000000001') },
      { type: 9, payload: hex('00') },
    ),
    frames(
      hello,
      { ...open, payload: hex('02000050') },
      { type: 5, stream: 2, payload: hex('03') },
      { type: 9, payload: hex('02') },
    ),
  ],
  words: [
    frames(open),
    frames(data),
    frames({ type: 4, stream: 1 }),
    frames({ type: 5, stream: 1, payload: hex('10') }),
    frames({ type: 6, stream: 1, payload: hex('7fffffff') }),
    frames({ type: 9, payload: hex('00') }),
    hex('00000001'),
    hex('00000002'),
    hex('ffffffff'),
    hex('3ff8'),
  ],
  run: (input) => {
    const whole = link(input, input.length + 1);
    assert.deepEqual(link(input, 1), whole);
    assert.deepEqual(link(input, 7), whole);
    return outcome(whole.filter((line) => !line.startsWith('read')).join(';'));
  },
};
