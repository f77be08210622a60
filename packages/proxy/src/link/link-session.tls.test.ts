import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';

import { TestCa, until } from '@rampart/testkit';

import { clock } from '../testing/real-clock.ts';
import { LINK_ALPN } from './frame/format.ts';
import type { LinkError } from './link-error.ts';
import { LinkSession } from './link-session.ts';
import { listen, type Listener } from './link.fixture.ts';
import type { PeerPapers } from './link-peer.fixture.ts';

const STREAMS = 20;
const REQUEST = { protocol: 'tcp', port: 7 } as const;

interface Linked {
  readonly peer: ChildProcess;
  readonly session: LinkSession;
  /** Reasons with which the session closed. */
  readonly closed: (string | undefined)[];
}

describe('a link over TLS to another process', () => {
  let papers: PeerPapers;
  const peers: ChildProcess[] = [];
  before(async () => {
    const now = Date.now();
    const ca = await TestCa.create('cluster.local', now);
    const svid = await ca.issueServer(now, { dnsNames: ['localhost'] });
    papers = { key: svid.keyPem, cert: svid.certPem, ca: ca.rootPem };
  });
  after(() => {
    for (const peer of peers) peer.kill('SIGKILL');
  });

  async function link(quietAfter = 15_000): Promise<Linked> {
    const peer = fork(join(import.meta.dirname, 'link-peer.fixture.ts'));
    peers.push(peer);
    peer.send(papers);
    const [{ port }] = (await once(peer, 'message')) as [AddressInfo];
    const transport = tls.connect({
      ...papers,
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ALPNProtocols: [LINK_ALPN],
    });
    await once(transport, 'secureConnect');
    const closed: (string | undefined)[] = [];
    const limits = { quietAfter, deadAfter: quietAfter };
    const session = new LinkSession({
      transport,
      role: 'dialer',
      clock,
      random: () => 0,
      limits,
      closed: (error) => closed.push(error?.reason),
    });
    return { peer, session, closed };
  }

  /** Streams whose echo has begun to come back. */
  async function busy(session: LinkSession): Promise<Listener[]> {
    const sides = Array.from({ length: STREAMS }, () => {
      const stream = session.open(REQUEST);
      stream.write(Buffer.alloc(50_000, 1));
      return listen(stream);
    });
    await until('every stream is answered', () => sides.every(({ received }) => received > 0));
    return sides;
  }

  it('carries much and little, and ends in order while streams are under way', async () => {
    const { peer, session, closed } = await link();
    const streams = Array.from({ length: STREAMS }, () => session.open(REQUEST));
    const sides = streams.map((stream) => listen(stream));
    for (const [index, stream] of streams.entries())
      stream.write(Buffer.alloc(index % 4 === 0 ? 1_000_000 : 300, index));
    await until('something came back', () => sides.some(({ received }) => received > 0));
    peer.kill('SIGTERM');
    await until('the link is leaving', () => session.room === 0);
    for (const stream of streams) stream.end();
    await until('the link is closed', () => closed.length > 0);
    assert.deepEqual(closed, [undefined]);
    for (const [index, { received, text, error }] of sides.entries()) {
      assert.deepEqual([received, error], [index % 4 === 0 ? 1_000_000 : 300, undefined]);
      assert.ok(Buffer.from(text, 'latin1').every((byte) => byte === index));
    }
  });

  it('a killed peer costs its streams, at once and with a reason', async () => {
    const { peer, session, closed } = await link();
    const sides = await busy(session);
    peer.kill('SIGKILL');
    await until('every stream is closed', () => sides.every(({ isClosed }) => isClosed));
    assert.deepEqual(new Set(sides.map(({ error }) => (error as LinkError).reason)), new Set(['connection-lost']));
    await until('the session is closed', () => closed.length > 0);
    assert.deepEqual(closed, ['connection-lost']);
    assert.deepEqual([session.streams, session.room, session.buffered], [0, 0, 0]);
  });

  it('a peer that stands still is found out', async () => {
    const { peer, session, closed } = await link(100);
    const sides = await busy(session);
    peer.kill('SIGSTOP');
    await until('every stream is closed', () => sides.every(({ isClosed }) => isClosed));
    assert.deepEqual(closed, ['dead-peer']);
  });
});
