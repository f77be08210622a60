import type { ReplayProgress } from '@rampart/wire';
import { Progress } from '../../render/progress.ts';
import type { Invocation } from '../../shell.ts';

/** Shows how many records of how many have been read. */
export function replayProgress({ io, globals }: Invocation): { say(at: ReplayProgress): void; end(): void } {
  const line = globals.output === 'json' ? undefined : new Progress(io.stderr, io.clock);
  return {
    say: ({ records, total }) =>
      line?.say(`${records.toLocaleString('en')} of ${total.toLocaleString('en')} records read …`),
    end: () => line?.end(),
  };
}
