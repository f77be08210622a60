import { residentMegabytes } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import type { Ground, Running, Subject } from './subject.ts';

/** One size of V8's young generation for every subject: it grows with traffic, in each service at another moment. */
const SAME_YOUNG_GENERATION = ['--min-semi-space-size=16', '--max-semi-space-size=16'];
const CONNECTIONS = 32;

/** Resident memory of the service's own process after a garbage collection, megabytes. */
export async function serviceMegabytes({ server }: Running): Promise<number> {
  await server.ask('gc');
  return residentMegabytes(server.pid);
}

/**
 * Memory of each subject's service, fresh and under the same load, with young generations of one size: what is left is what
 * the subject itself holds, and not how far V8 has happened to grow.
 */
export async function grownMegabytes(
  subjects: readonly Subject[],
  ground: Ground,
  options: RunOptions,
): Promise<Map<string, number>> {
  const figures = new Map<string, number>();
  for (const subject of subjects) {
    options.progress(`memory of ${subject.name}`);
    const running = await subject.start({ ...ground, serverFlags: SAME_YOUNG_GENERATION });
    if ('absent' in running) continue;
    try {
      await load(running, options.quick ? 1_000 : 10_000);
      figures.set(subject.name, await serviceMegabytes(running));
    } finally {
      await running.stop();
    }
  }
  return figures;
}

async function load({ client, url }: Running, milliseconds: number): Promise<void> {
  await client.ask({ url, connections: CONNECTIONS, milliseconds });
}
