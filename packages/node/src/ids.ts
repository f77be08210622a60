import { randomFillSync } from 'node:crypto';

import type { IdSource } from '@rampart/mesh';

const POOL_BYTES = 8192;
const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

/** Random identifiers cut from a pool: one call to the kernel serves hundreds of requests. */
export function createIds(): IdSource {
  const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  let used = POOL_BYTES;
  const hex = (bytes: number): string => {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return pool.toString('hex', used - bytes, used);
  };
  return { traceId: () => hex(TRACE_BYTES), spanId: () => hex(SPAN_BYTES) };
}
