import { type ErrorCode, RampartError } from '@rampart/core';
import type { Item } from '../filter/filter.ts';
import type { Rendered } from './rendered.ts';

/** What is sent back: JSON, or text where Consul sends text. */
export interface ConsulAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: { readonly json: Item | Rendered } | { readonly text: string };
}

export function jsonAnswer(json: Item | Rendered, headers?: Readonly<Record<string, string>>): ConsulAnswer {
  return { status: 200, body: { json }, ...(headers === undefined ? {} : { headers }) };
}

export function textAnswer(status: number, text: string, headers?: Readonly<Record<string, string>>): ConsulAnswer {
  return { status, body: { text }, ...(headers === undefined ? {} : { headers }) };
}

/** Done, and nothing to say. */
export const DONE: ConsulAnswer = { status: 200, body: { text: '' } };

const STATUSES: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  INVALID_RESOURCE: 400,
  INVALID_HCL: 400,
  ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  INVALID_CERTIFICATE: 401,
  CERTIFICATE_REVOKED: 401,
  PERMISSION_DENIED: 403,
  APPROVAL_PENDING: 403,
  NOT_FOUND: 404,
  UNSUPPORTED_FEATURE: 501,
  RATE_LIMITED: 429,
};

/** A refusal with its status; undefined for what must not be told to a caller. */
export function refusalAnswer(error: unknown): ConsulAnswer | undefined {
  if (!(error instanceof RampartError)) return undefined;
  const status = STATUSES[error.code];
  return status === undefined ? undefined : textAnswer(status, error.message);
}
