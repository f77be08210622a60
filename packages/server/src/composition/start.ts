import type { CompleteOptions } from '../control-plane-options.ts';
import type { DataDirectory } from '../directory/data-directory.ts';
import type { Metrics } from '../metrics.ts';
import type { Teardown } from '../teardown.ts';

/** How long calls that are running may take to end at a stop. */
export const GRACE_MS = 2000;

export const LOOPBACK = '127.0.0.1';

/** What one start is made of, as far as it has come. */
export interface Start {
  readonly options: CompleteOptions;
  readonly teardown: Teardown;
  readonly metrics: Metrics;
  readonly directory: DataDirectory;
}
