import type { ErrorCode } from '../../errors.ts';

/** What is to be said of a rule about calls, seen together with everything else that is in force. */
export interface TrafficFinding {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  /** "spec.http[0].route[1].destination.subset". */
  readonly field: string;
  /** Whether it is about what is not there yet: a rule may be there before its service. */
  readonly isAbsence?: true;
  /** What to say instead where that is tolerated. */
  readonly mildly?: string;
}

export function refused(field: string, message: string): TrafficFinding {
  return { severity: 'error', code: 'INVALID_RESOURCE', message, field };
}

/** Of what may come yet, which whoever applies the rule has to say; `mildly` is without the advice to say so. */
export function absent(field: string, message: string, mildly: string = message): TrafficFinding {
  return { ...refused(field, message), isAbsence: true, mildly };
}

export function unsupported(field: string, message: string): TrafficFinding {
  return { severity: 'error', code: 'UNSUPPORTED_FEATURE', message, field };
}

export function warned(field: string, message: string): TrafficFinding {
  return { severity: 'warning', code: 'INVALID_RESOURCE', message, field };
}

/** What is not there yet, as nothing to refuse a rule for. */
export function tolerated(finding: TrafficFinding): TrafficFinding {
  const { isAbsence, mildly, message } = finding;
  return isAbsence === true ? { ...finding, severity: 'warning', message: mildly ?? message } : finding;
}
