import { EXIT } from '../exit-code.ts';
import type { Invocation } from '../shell.ts';
import type { ChildExit } from './child-process.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const STEADY_MS = 60_000;

/** Runs a command again and again until it succeeds or the user wants it to end; resolves with its last exit code. */
export async function keepRunning(
  name: string,
  launch: () => Promise<ChildExit>,
  invocation: Invocation,
): Promise<number> {
  const { clock } = invocation.io;
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    const startedAt = clock.now();
    const { code, asked } = await launch();
    if (code === EXIT.ok || asked) return code;
    pause = clock.now() - startedAt >= STEADY_MS ? FIRST_PAUSE_MS : pause;
    invocation.note(`${name} ended with ${code}; starting it again in ${pause / 1_000}s`);
    if (await interruptedWithin(pause, invocation)) return code;
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

/** Waits; true when the user wants to end before the time is over. */
async function interruptedWithin(milliseconds: number, { io }: Invocation): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => resolve(true));
  const timer = io.clock.after(milliseconds, () => resolve(false));
  try {
    return await promise;
  } finally {
    timer.cancel();
    release();
  }
}
