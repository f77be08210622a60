import { setTimeout as pause } from 'node:timers/promises';

const STEP_MS = 10;

/** Asks again and again until there is an answer; undefined when there is none within `milliseconds`. */
export async function until<T>(
  milliseconds: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T | undefined> {
  const signal = AbortSignal.timeout(milliseconds);
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || signal.aborted) return answer;
    await pause(STEP_MS);
  }
}
