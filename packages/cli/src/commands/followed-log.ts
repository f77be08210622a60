import { RampartError } from '@rampart/core';
import type { AdminClient } from '../connection/admin-connection.ts';
import type { Invocation } from '../shell.ts';

export interface FollowOptions<T> {
  readonly invocation: Invocation;
  /** Aborted when the user has seen enough. */
  readonly stop: AbortSignal;
  /** Opens the log; `again` when it was lost before. */
  open(client: AdminClient, again: boolean): AsyncIterable<T>;
  show(answer: T, again: boolean): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** The way to the control plane. */
interface Line {
  state: 'new' | 'up' | 'lost';
  /** Milliseconds before the next attempt. */
  pause: number;
}

/**
 * Shows the log as it comes until `stop`, however often the control plane goes away and comes back in between.
 *
 * @throws RampartError when it cannot be reached in the first place, or refuses.
 */
export async function followLog<T>({ invocation, stop, open, show }: FollowOptions<T>): Promise<void> {
  const { withAdmin, note, io } = invocation;
  const line: Line = { state: 'new', pause: FIRST_PAUSE_MS };
  const read = async (client: AdminClient): Promise<void> => {
    // A log without new records says nothing: whether the control plane is there has to be asked.
    await client.getStatus({}, { signal: stop });
    const again = line.state === 'lost';
    if (again) note('the control plane is back; going on');
    line.state = 'up';
    line.pause = FIRST_PAUSE_MS;
    for await (const answer of open(client, again)) show(answer, again);
  };
  while (!stop.aborted) {
    const lost = await withAdmin(read).then(() => 'it ended', reasonOfLoss);
    if (stop.aborted) return;
    if (lost instanceof RampartError && (line.state === 'new' || lost.code !== 'CONTROL_PLANE_UNREACHABLE')) throw lost;
    if (line.state === 'up') note(`the control plane went away (${textOf(lost)}); trying again until Ctrl-C`);
    line.state = 'lost';
    await paused(line.pause, { clock: io.clock, stop });
    line.pause = Math.min(line.pause * 2, LONGEST_PAUSE_MS);
  }
}

function reasonOfLoss(error: unknown): RampartError {
  if (error instanceof RampartError) return error;
  throw error;
}

function textOf(lost: RampartError | string): string {
  return typeof lost === 'string' ? lost : lost.message;
}

/** Waits that long, or until `stop`. */
export function paused(
  milliseconds: number,
  { clock, stop }: { readonly clock: Invocation['io']['clock']; readonly stop: AbortSignal },
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(milliseconds, done);
    stop.addEventListener('abort', done);
  });
}
