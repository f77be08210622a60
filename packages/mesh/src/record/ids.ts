import { randomFillSync } from 'node:crypto';

import type { IdSource } from './trace.ts';

const POOL_BYTES = 8192;
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

/** Random identifiers cut from a pool of hex digits: one call to the kernel and one conversion serve several hundred requests. */
export function createIds(): IdSource {
  const bytes = Buffer.allocUnsafeSlow(POOL_BYTES);
  let digits = '';
  let used = 0;
  const take = (count: number): string => {
    if (used + count > digits.length) {
      digits = randomFillSync(bytes).toString('hex');
      used = 0;
    }
    used += count;
    return digits.slice(used - count, used);
  };
  return { traceId: () => take(TRACE_DIGITS), spanId: () => take(SPAN_DIGITS) };
}
