/** One timed run of one subject. */
export interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of every process of the subject, user and system, divided by the requests. */
  readonly cpuMicrosPerRequest: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function medianSample(samples: readonly Sample[]): Sample {
  return {
    requestsPerSecond: median(samples.map((sample) => sample.requestsPerSecond)),
    p50Ms: median(samples.map((sample) => sample.p50Ms)),
    p99Ms: median(samples.map((sample) => sample.p99Ms)),
    cpuMicrosPerRequest: median(samples.map((sample) => sample.cpuMicrosPerRequest)),
  };
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The smallest value that this share of all values does not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * How one subject stands against the best of its peers: the peer whose median over all rounds is best, and the median of the ratios
 * with it, round by round. (Whichever peer did best in each round would be none of them: the luckiest of several is better than each.)
 */
export function versusBest(
  mine: readonly number[],
  peers: readonly (readonly number[])[],
  best: 'highest' | 'lowest',
): number {
  const direction = best === 'highest' ? -1 : 1;
  const [peer] = [...peers].sort((a, b) => direction * (median(a) - median(b)));
  return median(mine.map((figure, round) => figure / (peer?.[round] ?? Number.NaN)));
}
