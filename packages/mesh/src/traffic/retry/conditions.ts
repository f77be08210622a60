import type { RetryCondition } from '@rampart/core';

import { isGatewayError } from '../outlier/outcome.ts';
import type { Outcome } from '../outlier/outcome.ts';
import type { RetrySettings } from '../settings/resilience.ts';

const CONFLICT = 409;
const FIRST_SERVER_ERROR = 500;

/** Methods that mean the same when they are repeated (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Statuses of gRPC by the conditions that are named after them. */
const GRPC: ReadonlyMap<string, RetryCondition> = new Map([
  ['1', 'cancelled'],
  ['4', 'deadline-exceeded'],
  ['8', 'resource-exhausted'],
  ['13', 'internal'],
  ['14', 'unavailable'],
]);

export interface TriedRequest {
  readonly method: string;
  /** All of its body is still here. */
  readonly canBeRepeated: boolean;
  /** Some of it was written to the instance. */
  readonly wasSent: boolean;
}

/** Whether the rule wants a try that ended like this to be repeated. `grpcStatus` stands in the answer's head. */
export function isRetriable(settings: RetrySettings, outcome: Outcome, grpcStatus?: string): boolean {
  const { on, statuses } = settings;
  if (outcome.end !== 'answer') return withoutAnswer(on, outcome.end);
  const { status } = outcome;
  if (on.has('5xx') && status >= FIRST_SERVER_ERROR) return true;
  if (on.has('gateway-error') && isGatewayError(status)) return true;
  if (on.has('retriable-4xx') && status === CONFLICT) return true;
  if (on.has('retriable-status-codes') && statuses.has(status)) return true;
  const named = grpcStatus === undefined ? undefined : GRPC.get(grpcStatus);
  return named !== undefined && on.has(named);
}

function withoutAnswer(on: ReadonlySet<RetryCondition>, end: Exclude<Outcome['end'], 'answer'>): boolean {
  if (on.has('5xx')) return true;
  switch (end) {
    case 'connect-failure':
      return on.has('connect-failure') || on.has('gateway-error') || on.has('reset') || on.has('reset-before-request');
    case 'refused':
      return on.has('refused-stream') || on.has('gateway-error') || on.has('reset');
    case 'timeout':
    case 'reset':
      return on.has('reset') || on.has('gateway-error');
  }
}

/**
 * Whether it is safe to repeat: nobody has looked at it yet, or it means the same when it is repeated. A rule can ask for
 * less than that and never for more.
 */
export function isSafe({ method, canBeRepeated, wasSent }: TriedRequest, { end }: Outcome): boolean {
  if (!canBeRepeated) return false;
  return end === 'refused' || end === 'connect-failure' || !wasSent || IDEMPOTENT.has(method);
}
