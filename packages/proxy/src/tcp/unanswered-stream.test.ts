import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { Listener, linkPair, turns } from '../link/link.fixture.ts';
import type { Refusal } from '../link/link-error.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { UnansweredStream } from './unanswered-stream.ts';

const REQUEST = { protocol: 'tcp', port: 25 } as const;

describe('a stream that was not answered', () => {
  const clock = new FakeClock();
  let first: ReturnType<typeof linkPair>;
  let second: ReturnType<typeof linkPair>;
  let refusal: Refusal | undefined;
  let heard: Listener;
  let stream: ByteStream;
  let asked: string[];
  let reopen: () => Promise<ByteStream>;

  beforeEach(() => {
    refusal = undefined;
    asked = [];
    first = linkPair(clock, { accept: () => refusal });
    second = linkPair(clock);
    reopen = () => Promise.resolve(second.dialer.open(REQUEST));
    heard = new Listener();
  });

  function open(): void {
    stream = new UnansweredStream(first.dialer.open(REQUEST), ({ reason }) => {
      asked.push(reason);
      return reopen();
    });
    stream.receive(heard);
  }

  /** What the other side of the second link was told, and what it says. */
  async function answer(text: string): Promise<string> {
    await turns();
    const [far] = second.accepted;
    assert.ok(far);
    const farSide = new Listener();
    far.receive(farSide);
    far.write(Buffer.from(text));
    await turns();
    return farSide.text;
  }

  it('is opened elsewhere when its link closes before a byte was sent', async () => {
    open();
    first.listener.destroy();
    assert.equal(await answer('220 ready'), '');
    assert.deepEqual(asked, ['closed']);
    assert.equal(heard.text, '220 ready');
    stream.write(Buffer.from('quit'));
    await turns();
    assert.equal(second.accepted[0]?.bytesRead, 4);
  });

  it('is opened elsewhere when its link is lost', async () => {
    open();
    first.far.destroy();
    await answer('220 ready');
    assert.deepEqual([asked, heard.text], [['connection-lost'], '220 ready']);
  });

  for (const reason of ['overloaded', 'unavailable', 'going-away', 'not-accepting'] as const) {
    it(`is sent again elsewhere where it was refused (${reason})`, async () => {
      refusal = reason;
      open();
      stream.write(Buffer.from('hello '));
      stream.write(Buffer.from('there'));
      stream.end();
      assert.equal(await answer('hi'), 'hello there');
      assert.deepEqual([asked, heard.events], [[reason], ['data']]);
    });
  }

  it('is not opened again where policy has refused it', async () => {
    refusal = 'denied';
    open();
    await turns();
    assert.deepEqual([asked, heard.events], [[], ['close']]);
  });

  it('is not sent again when its link is lost after a byte of it', async () => {
    open();
    stream.write(Buffer.from('transfer 100'));
    first.listener.destroy();
    await turns();
    assert.deepEqual([asked, heard.events], [[], ['close']]);
  });

  it('is not sent again when more was written than is kept', async () => {
    refusal = 'overloaded';
    open();
    for (let count = 0; count < 3; count += 1) stream.write(Buffer.alloc(30_000));
    await turns();
    assert.deepEqual([asked, heard.events.at(-1)], [[], 'close']);
  });

  it('is not opened again once it was answered', async () => {
    open();
    await turns();
    first.accepted[0]?.write(Buffer.from('220 ready'));
    await turns();
    first.listener.destroy();
    await turns();
    assert.deepEqual([asked, heard.events], [[], ['data', 'close']]);
  });

  it('is not opened again when its reader has given it up', async () => {
    open();
    stream.reset();
    first.listener.destroy();
    await turns();
    assert.deepEqual([asked, heard.events], [[], ['close']]);
  });

  it('is opened a few times at most', async () => {
    refusal = 'overloaded';
    open();
    reopen = () => Promise.resolve(first.dialer.open(REQUEST));
    await turns(60);
    assert.deepEqual([asked.length, heard.events.at(-1)], [3, 'close']);
  });

  it('ends with why it could not be opened elsewhere', async () => {
    open();
    const nobody = new Error('nobody is there');
    reopen = () => Promise.reject(nobody);
    first.listener.destroy();
    await turns();
    assert.deepEqual([heard.events, heard.error], [['close'], nobody]);
  });
});
