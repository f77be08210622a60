import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { it } from 'node:test';

import { until } from '@rampart/testkit';

import { clock } from '../testing/real-clock.ts';
import { createDoor, listenOn } from './listen.ts';

const CALLERS = 60;
const TURN_MS = 30;
const passing = { ...clock, now: () => performance.now() };

it(
  'a door with long turns of the event loop takes several connections in each',
  { skip: process.platform === 'linux' ? false : 'needs accept4(2)' },
  async () => {
    const greeted = new Set<number | undefined>();
    const door = createDoor((socket) => {
      greeted.add(socket.remotePort);
      socket.on('error', () => undefined);
      socket.end(`welcome ${socket.remotePort}`);
    }, passing);
    const port = await listenOn(door, { host: '127.0.0.1', port: 0 });
    // What takes more is loaded once the door is open.
    await until('more than one listener for connections', () => door.listenerCount('connection') > 1);
    const callers = Array.from({ length: CALLERS }, () => connect({ port, host: '127.0.0.1' }));
    const answers = Promise.all(callers.map((caller) => once(caller, 'data')));
    let turns = 0;
    await new Promise<void>((resolve) => {
      const turn = (): void => {
        turns += 1;
        const end = performance.now() + TURN_MS;
        while (performance.now() < end);
        if (greeted.size < CALLERS) setImmediate(turn);
        else resolve();
      };
      turn();
    });
    assert.ok(turns < CALLERS / 2, `${turns} turns for ${CALLERS} connections`);
    const texts = (await answers).map(([data]) => String(data));
    assert.deepEqual(texts.toSorted(), [...greeted].map((from) => `welcome ${from}`).toSorted());
    door.close();
  },
);
