#!/usr/bin/env node
import { text } from 'node:stream/consumers';
import type { WriteStream } from 'node:tty';
import type { Clock } from '@rampart/core';
import { readHiddenLine } from './hidden-line.ts';
import type { Io, OutputStream } from './io.ts';
import { becomeLean, forgetLeanStart, leanStart } from './lean-process.ts';
import { runCommandLine } from './program.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

const clock: Clock = {
  // oxlint-disable-next-line no-restricted-properties -- the one place of the command that reads the time
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, Math.min(milliseconds, LONGEST_TIMER_MS));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

function outputOf(stream: WriteStream): OutputStream {
  return {
    isTerminal: stream.isTTY,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
    write: (chunk) => {
      stream.write(chunk);
    },
  };
}

// oxlint-disable-next-line no-restricted-properties -- what this program added to its environment itself
const isLean = forgetLeanStart(process.env);
let isServing = false;

const io: Io = {
  // oxlint-disable-next-line no-restricted-properties -- the entry file hands the environment on
  env: process.env,
  workingDirectory: process.cwd(),
  pid: process.pid,
  userId: process.getuid?.(),
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  stdinIsTerminal: process.stdin.isTTY,
  readStdin: () => text(process.stdin),
  readSecret: (question) => readHiddenLine(question, process.stdin, process.stderr),
  clock,
  becomeLean: (servingAs) => {
    isServing = true;
    becomeLean(process, servingAs, isLean);
  },
  leanStart: () => leanStart('sidecar', process),
  onSignal: (signals, listener) => {
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
};

// A reader that has seen enough ("rampart logs | head") closes the pipe: that is no failure, and no reason to stop serving.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!isServing) process.exit(0);
});
// Whoever started it may be gone, and what it has started in turn has to be ended in order.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

// A command may wait for nothing but a signal or an unreferenced timer; the process lives until it is done.
const alive = setInterval(() => undefined, LONGEST_TIMER_MS);
try {
  process.exitCode = await runCommandLine(process.argv.slice(2), io);
} finally {
  clearInterval(alive);
}
