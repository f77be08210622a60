import { GRPC_STATUSES, type HttpFault } from '../../resource/traffic/virtual-service/fault.ts';
import { retryConditions, type HttpRetry } from '../../resource/traffic/virtual-service/retries.ts';
import type { Percent } from '../../resource/traffic/document-form.ts';
import type { CompiledFault, CompiledRetries } from '../settings.ts';

const ALL = 100;
/** What a call of gRPC answers that has failed (gRPC over HTTP/2: the status is in a trailer). */
const GRPC_HTTP_STATUS = 200;

/** A percentage as a share, 0–1. */
export function shareOf(percentage: Percent | undefined, absent: number): number {
  return percentage === undefined ? absent : percentage.value / ALL;
}

export function compileRetries(retries: HttpRetry): CompiledRetries {
  const { attempts, retryOn, perTryTimeoutMs, backoffMs } = retries;
  const { conditions, statuses } = retryConditions(retryOn);
  return {
    attempts,
    on: statuses.size === 0 ? conditions : new Set([...conditions, 'retriable-status-codes']),
    statuses,
    ...(perTryTimeoutMs === undefined ? {} : { perTryTimeoutMs }),
    ...(backoffMs === undefined ? {} : { backoffMs }),
  };
}

export function compileFault({ delay, abort }: HttpFault): CompiledFault {
  const grpcStatus =
    abort?.grpcStatus === undefined ? -1 : GRPC_STATUSES.findIndex((name) => name === abort.grpcStatus);
  return {
    ...(delay === undefined
      ? {}
      : { delay: { share: shareOf(delay.percentage, 0), milliseconds: delay.fixedDelayMs } }),
    ...(abort === undefined
      ? {}
      : {
          abort: {
            share: shareOf(abort.percentage, 0),
            status: abort.httpStatus ?? GRPC_HTTP_STATUS,
            ...(grpcStatus === -1 ? {} : { grpcStatus }),
          },
        }),
  };
}
