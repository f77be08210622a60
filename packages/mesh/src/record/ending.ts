import { RampartError } from '@rampart/core';

import { EgressDenied } from '../outbound/egress-denied.ts';
import { ResponseFlag } from './flags.ts';
import type { OutboundExchange } from './outbound-exchange.ts';

/** How an outgoing request ended, as its record tells it. */
export interface Ending {
  /** A `ResponseFlag`; several are joined by commas, as Envoy has it. */
  readonly flag: string;
  readonly reason: string;
  /** "namespace/name" of the policy that kept it from being sent; "" otherwise. */
  readonly policy: string;
}

/** What a client library knows about a request that failed. */
export interface FailureFacts {
  /** The program itself gave up: an abort signal, a timeout of its own, `destroy()`. */
  readonly byCaller: boolean;
  /** The instance had proved its identity, so the request may have reached it. */
  readonly connected: boolean;
}

export const COMPLETE: Ending = { flag: ResponseFlag.none, reason: '', policy: '' };

export function failure(exchange: OutboundExchange, error: unknown, facts: FailureFacts): Ending {
  if (error instanceof EgressDenied) return error.ending;
  const reason = error instanceof Error ? error.message : 'the connection ended before the response was complete';
  return { flag: flagOf(exchange, error, facts), reason, policy: '' };
}

function flagOf(exchange: OutboundExchange, error: unknown, { byCaller, connected }: FailureFacts): ResponseFlag {
  if (byCaller) return ResponseFlag.callerGone;
  if (exchange.code !== 0 || connected) return ResponseFlag.upstreamReset;
  if (error instanceof RampartError && error.code === 'NOT_FOUND') return ResponseFlag.noRoute;
  return exchange.target !== undefined || exchange.leaves ? ResponseFlag.connectFailed : ResponseFlag.noInstance;
}

const ABORTS: ReadonlySet<unknown> = new Set(['ABORT_ERR', 'UND_ERR_ABORTED']);

/** An error that the program gave as its reason to stop; those of connections carry a code of the system or of TLS. */
export function isOfProgram(error: unknown): boolean {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code !== 'string' || ABORTS.has(code);
}
