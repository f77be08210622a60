import type { Cursor, Reader } from '../../cursor.ts';
import { readDuration } from '../../duration.ts';
import { absent, need, oneOf, readPercent, type Percent } from '../document-form.ts';

/** Errors and delays that are made on purpose (istio/api `HTTPFaultInjection`). */
export interface HttpFault {
  readonly delay?: FaultDelay;
  readonly abort?: FaultAbort;
}

export interface FaultDelay {
  readonly fixedDelayMs: number;
  /** Absent: of no request, as Istio has it. */
  readonly percentage?: Percent;
}

export interface FaultAbort {
  readonly httpStatus?: number;
  /** "UNAVAILABLE". */
  readonly grpcStatus?: string;
  /** Absent: of no request, as Istio has it. */
  readonly percentage?: Percent;
}

/** By number, from 0. */
export const GRPC_STATUSES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

const STATUSES = { min: 200, max: 599 };

export function readFault(at: Cursor): HttpFault | undefined {
  const fault = at.fields<HttpFault>({ delay: readDelay, abort: readAbort });
  if (fault !== undefined && (at.keys() ?? []).length === 0) return at.error('needs a delay or an abort');
  return fault;
}

interface DelayFields {
  readonly fixedDelay: number;
  readonly percentage: Percent;
  readonly percent: Percent;
  readonly exponentialDelay: never;
}

const readDelay: Reader<FaultDelay> = (at) => {
  const fields = at.fields<DelayFields>({
    fixedDelay: (delay) => readDuration(delay),
    percentage: readPercent,
    percent: readOldPercent,
    exponentialDelay: absent('only fixedDelay is known here, as in Istio'),
  });
  need(at, 'fixedDelay');
  oneOf(at, ['percentage', 'percent']);
  const { fixedDelay, percentage = fields?.percent } = fields ?? {};
  warnOfNone(at, ['percentage', 'percent']);
  if (fixedDelay === undefined) return undefined;
  return { fixedDelayMs: fixedDelay, ...(percentage === undefined ? {} : { percentage }) };
};

const readAbort: Reader<FaultAbort> = (at) => {
  const abort = at.fields<FaultAbort & { readonly http2Error: never }>({
    httpStatus: (status) => status.integer('an HTTP status', STATUSES),
    grpcStatus: (status) => status.word(GRPC_STATUSES),
    percentage: readPercent,
    http2Error: absent('only httpStatus and grpcStatus are known here, as in Istio'),
  });
  const form = oneOf(at, ['httpStatus', 'grpcStatus']);
  if (form === undefined && abort !== undefined) return at.error('needs httpStatus or grpcStatus');
  warnOfNone(at, ['percentage']);
  return abort;
};

function readOldPercent(at: Cursor): Percent | undefined {
  const value = at.integer('a percentage', { min: 0, max: 100 });
  return value === undefined ? undefined : { value };
}

function warnOfNone(at: Cursor, names: readonly string[]): void {
  if (typeof at.value !== 'object' || at.value === null) return;
  if (names.every((name) => at.child(name).value === undefined)) {
    at.warning('has no percentage, and so is done to no request: add percentage: { value: 100 }');
  }
}
