import type { CompiledAnswer, CompiledHeaders } from '@rampart/core';

import type { Target } from '../../outbound/outbound.ts';
import type { Ending } from '../../record/ending.ts';
import type { TryEnd } from '../outlier/outcome.ts';

/** One try of a request, or a copy of it. */
export interface Try {
  readonly target: Target;
  /** Of the request, in this order. */
  readonly headers: readonly (CompiledHeaders | undefined)[];
  /** In place of the request's own. */
  readonly url: string | undefined;
  readonly authority: string | undefined;
}

/** A try that came to no answer. */
export interface Breakage {
  readonly end: Exclude<TryEnd, 'answer'>;
  /** Some of the request was written to the instance. */
  readonly wasSent: boolean;
  readonly reason: string;
}

/** What a data plane does for a call: it writes and reads, and decides nothing. */
export interface CallDriver {
  /** All of the request's body is here, so that it can be sent from its beginning again. */
  readonly canBeRepeated: boolean;
  /** Sends the request; what becomes of it is told by `answered`, `finished` or `broke`. */
  send(attempt: Try): void;
  /** Sends a copy, and does not look at its answer. */
  mirror(copy: Try): void;
  /** Gives the try under way up: nothing is told of it any more. */
  drop(): void;
  /** Answers in place of an instance, and records. */
  answer(answer: CompiledAnswer, ending: Ending): void;
  /** Breaks the answer off whose head was passed on, and records. */
  breakOff(ending: Ending): void;
}
