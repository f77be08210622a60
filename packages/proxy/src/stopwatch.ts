import { createStopwatch } from '@rampart/mesh';
import type { Stopwatch } from '@rampart/mesh';

export const stopwatch: Stopwatch = createStopwatch({
  elapsed: () => performance.now(),
  now: () => Date.now(),
  origin: performance.timeOrigin,
});
