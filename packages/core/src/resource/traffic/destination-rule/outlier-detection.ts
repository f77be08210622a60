import type { Cursor, Reader } from '../../cursor.ts';
import { readDuration } from '../../duration.ts';
import { absent, readCount, readWholePercent } from '../document-form.ts';

/** When an instance that fails gets nothing for a while (istio/api `OutlierDetection`). */
export interface OutlierDetection {
  /** Connection failures are counted by themselves, by `consecutiveLocalOriginFailures`. */
  readonly splitExternalLocalOriginErrors?: boolean;
  /** 5 where absent; 0: not counted. */
  readonly consecutiveLocalOriginFailures?: number;
  /** Of 502, 503 and 504; not counted where absent or 0. */
  readonly consecutiveGatewayErrors?: number;
  /** 5 where absent; 0: not counted. */
  readonly consecutive5xxErrors?: number;
  /** Between looks at what may come back; 10 s where absent. */
  readonly intervalMs?: number;
  /** Times the number of ejections so far; 30 s where absent. */
  readonly baseEjectionTimeMs?: number;
  /** Of all instances; 10 where absent, but one always. */
  readonly maxEjectionPercent?: number;
  /** With fewer of them healthy, ejected instances get requests again; 0 where absent: never. */
  readonly minHealthPercent?: number;
}

interface Fields extends Omit<OutlierDetection, 'intervalMs' | 'baseEjectionTimeMs'> {
  readonly interval: number;
  readonly baseEjectionTime: number;
  readonly consecutiveErrors: never;
}

const readTime: Reader<number> = (at) => readDuration(at);

export function readOutlierDetection(at: Cursor): OutlierDetection | undefined {
  const fields = at.fields<Fields>({
    splitExternalLocalOriginErrors: (flag) => flag.flag(),
    consecutiveLocalOriginFailures: readCount,
    consecutiveGatewayErrors: readCount,
    consecutive5xxErrors: readCount,
    interval: readTime,
    baseEjectionTime: readTime,
    maxEjectionPercent: readWholePercent,
    minHealthPercent: readWholePercent,
    consecutiveErrors: absent('is the older form of consecutiveGatewayErrors and consecutive5xxErrors: write those'),
  });
  if (fields === undefined) return undefined;
  const { interval, baseEjectionTime, ...rest } = fields;
  warnOfUnusedCount(at, rest);
  return {
    ...rest,
    ...(interval === undefined ? {} : { intervalMs: interval }),
    ...(baseEjectionTime === undefined ? {} : { baseEjectionTimeMs: baseEjectionTime }),
  };
}

/** Istio gives the count to Envoy only where errors are told apart. */
function warnOfUnusedCount(at: Cursor, rest: Partial<OutlierDetection>): void {
  const { consecutiveLocalOriginFailures: count, splitExternalLocalOriginErrors: isSplit = false } = rest;
  if (count !== undefined && !isSplit) {
    at.child('consecutiveLocalOriginFailures').warning('counts only with splitExternalLocalOriginErrors: true');
  }
}
