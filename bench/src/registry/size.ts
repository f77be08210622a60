import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import { rounded } from '../harness/figures.ts';
import { residentMegabytes } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { startRampart } from './subjects.ts';
import type { SubjectGround } from './subjects.ts';

const LOAD = fileURLToPath(new URL('load-process.ts', import.meta.url));
const CALLERS = 64;
const INSTANCES = 100_000;

/** Memory and the time of a start with many instances: all registered through the door, then the process is started again. */
export async function measureSize(
  ground: SubjectGround,
  { quick, environment, progress }: RunOptions,
): Promise<Record<string, number>> {
  const instances = quick ? INSTANCES / 20 : INSTANCES;
  const directory = mkdtempSync(join(ground.directory, 'size-'));
  mkdirSync(directory, { recursive: true });
  progress(`${instances} instances`);
  const filling = await startRampart({ ...ground, directory });
  const { child } = await Child.start({ script: LOAD, args: [] }, environment);
  await child.ask({ kind: 'connect', reach: filling.reach, callers: CALLERS });
  await child.ask({ kind: 'fill', count: instances });
  await child.stop();
  const filled = residentMegabytes(filling.pid);
  await filling.stop();
  const again = await startRampart({ ...ground, directory });
  const figures = {
    instances,
    ready_ms: rounded(again.readyMs, 0),
    rss_mb: rounded(residentMegabytes(again.pid), 1),
    rss_after_filling_mb: rounded(filled, 1),
  };
  await again.stop();
  return figures;
}
