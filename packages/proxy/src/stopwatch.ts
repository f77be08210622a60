import type { Stopwatch } from '@rampart/mesh';

/** Read once: the getter costs more than the addition it is for. */
const { timeOrigin } = performance;

export const stopwatch: Stopwatch = {
  elapsed: () => performance.now(),
  unixTime: (reading) => timeOrigin + reading,
};
