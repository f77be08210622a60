import type { ErrorCode } from '../../errors.ts';

/** What is to be said of a rule about calls, seen together with everything else that is in force. */
export interface TrafficFinding {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  /** "spec.http[0].route[1].destination.subset". */
  readonly field: string;
}

export function refused(field: string, message: string): TrafficFinding {
  return { severity: 'error', code: 'INVALID_RESOURCE', message, field };
}

export function unsupported(field: string, message: string): TrafficFinding {
  return { severity: 'error', code: 'UNSUPPORTED_FEATURE', message, field };
}

export function warned(field: string, message: string): TrafficFinding {
  return { severity: 'warning', code: 'INVALID_RESOURCE', message, field };
}
