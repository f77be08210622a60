import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { after, before, describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { startSidecar } from './sidecar.ts';
import type { Sidecar } from './sidecar.ts';

const HOURS = 3_600_000;
const LOOPBACK = '127.0.0.1';
const silent = (): void => {};

describe('the wall clock jumps', () => {
  const time = new FakeClock();
  let skew = 0;
  let sidecar: Sidecar;

  before(async () => {
    sidecar = await startSidecar(
      {
        application: undefined,
        proxy: { host: LOOPBACK, port: 0 },
        // Nobody is there: every request is answered by the sidecar.
        address: { url: new URL('https://127.0.0.1:1'), roots: [], rootNamespace: 'istio-system' },
        evidence: { kind: 'join-token', token: 'unused' },
        spoolDirectory: tmpdir(),
      },
      {
        clock: {
          now: () => time.now() + skew,
          after: (milliseconds, callback) => time.after(milliseconds, callback),
        },
        stopwatch: { elapsed: () => time.now(), unixTime: (reading) => reading },
        random: () => 0.5,
        log: { error: silent, warn: silent, info: silent, debug: silent },
        pid: 1,
        version: 'test',
      },
    );
  });

  after(async () => {
    const stopped = sidecar.stop(0);
    await time.advance(10_000);
    await stopped;
  });

  async function ask(socket: Socket): Promise<string> {
    if (socket.closed) return 'closed';
    socket.write('GET http://orders/ HTTP/1.1\r\nHost: orders\r\n\r\n');
    const [answer] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])])) as [
      Buffer | string,
    ];
    return String(answer).split('\r\n')[0] ?? '';
  }

  for (const [where, milliseconds] of [
    ['ahead', 2 * HOURS],
    ['back', -2 * HOURS],
  ] as const) {
    it(`${where}: a connection that is open stays so`, async () => {
      const socket = connect(sidecar.proxyPort, LOOPBACK);
      assert.equal(await ask(socket), 'HTTP/1.1 503 Service Unavailable');
      await time.advance(2_000);
      skew += milliseconds;
      await time.advance(5_000);
      assert.equal(await ask(socket), 'HTTP/1.1 503 Service Unavailable');
      socket.destroy();
    });
  }
});
