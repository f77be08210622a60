import type { RequestAttributes } from './attributes.ts';
import type { AuthorizerDemand } from './authorizer-demand.ts';
import type { Verdict } from './verdict.ts';

/** The policies of a workload as they bear on one connection. */
export interface ConnectionPolicy {
  /** The part that PeerAuthentication decides: a DENY verdict for plaintext on a STRICT port, else undefined. */
  admitTransport(): Verdict | undefined;
  /** All that the connection alone decides: a DENY verdict when no request on it could be allowed, else undefined. */
  admit(): Verdict | undefined;
  /**
   * What CUSTOM policies ask before `evaluate` counts; undefined when nothing. `evaluate` has to allow as well: an
   * authorizer only ever adds denials. Allocates nothing.
   */
  demand(request: RequestAttributes): AuthorizerDemand | undefined;
  /** The verdict on one HTTP request. Allocates nothing when allowed, unless AUDIT or dry-run policies have something to add. */
  evaluate(request: RequestAttributes): Verdict;
  /** Like `demand`, for a connection that carries something else than HTTP. */
  demandTcp(): AuthorizerDemand | undefined;
  /** The verdict on a connection that carries something else than HTTP. */
  evaluateTcp(): Verdict;
}
