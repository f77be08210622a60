/**
 * How one try ended: with an answer, or without one because there was no connection, because it broke, or because it took
 * too long. "refused" is a stream that the other side has not looked at.
 */
export type TryEnd = 'answer' | 'connect-failure' | 'reset' | 'refused' | 'timeout';

/** What one try has shown of its instance. */
export interface Outcome {
  readonly end: TryEnd;
  /** Of the answer; 0 without one. */
  readonly status: number;
  /** Until the answer's head, or until there was known to be none. */
  readonly milliseconds: number;
}

const FIRST_SERVER_ERROR = 500;
const BAD_GATEWAY = 502;
const GATEWAY_TIMEOUT = 504;

/** Whether it counts against the instance. */
export function isFailure({ end, status }: Outcome): boolean {
  return end !== 'answer' || status >= FIRST_SERVER_ERROR;
}

/** 502, 503 and 504. */
export function isGatewayError(status: number): boolean {
  return status >= BAD_GATEWAY && status <= GATEWAY_TIMEOUT;
}
