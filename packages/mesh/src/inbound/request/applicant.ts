import type { BodyPeek } from '../external/call.ts';
import type { HeaderChange } from '../external/answer.ts';
import type { InboundExchange } from './exchange.ts';
import type { RequestFacts } from './facts.ts';

/** A request on its way to its permit, and what its data plane can do with it meanwhile. */
export interface Applicant {
  readonly exchange: InboundExchange;
  readonly facts: RequestFacts;
  /** True for a request that turns the connection into something else: what follows is no body. */
  readonly isUpgrade: boolean;
  /** False where the request is over with its head. Only HTTP/1.1 says so in its headers. */
  readonly hasBody: boolean;
  /** Calls back once when the caller goes away. Returns how to stop waiting for that. */
  onGone(callback: () => void): () => void;
  /** Reads ahead in the body, and puts everything back. A caller that waits for an invitation to send it gets one. */
  peekBody(limit: number, signal: AbortSignal): Promise<BodyPeek>;
  /** What becomes of the headers of the application's answer. */
  changeResponse(changes: readonly HeaderChange[]): void;
}
