import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';

import type { Clock } from '@rampart/core';

import type { ToWorker } from './messages.ts';
import { createWorker } from './worker.ts';

/** A process that serves for a sidecar of several: started by the one that leads, and ended by it. */

const RANDOM_STEPS: number = 2 ** 32;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const clock: Clock = {
  // oxlint-disable-next-line no-restricted-properties -- the one place of this program that reads the time
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, Math.min(milliseconds, LONGEST_TIMER_MS));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

const receive = createWorker({
  clock,
  random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
  pid: process.pid,
  send: (message) => {
    // The one that leads has gone where it cannot be told any more: `disconnect` follows.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  },
  write: (line) => void process.stderr.write(line),
  // Records went the same way before it, and have arrived when it has.
  end: () => process.send?.({ kind: 'over' }, undefined, undefined, () => process.exit(0)),
});

// Nobody may read what is logged any more.
process.stderr.on('error', () => undefined);

// A terminal sends its signals to every process of the group: the one that leads says what is to be done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', (message: ToWorker, socket?: Socket) => receive(message, socket));
// Without it there is nobody to take records, or to renew the certificate.
process.on('disconnect', () => process.exit(1));
process.send?.({ kind: 'up' });
