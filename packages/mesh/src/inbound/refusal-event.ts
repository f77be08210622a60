import type { ConnectionRefusalKind } from '@rampart/core';

import type { Refusal } from './gate.ts';

/** A refused connection as it is reported to the control plane. */
export interface RefusalEvent {
  /** Unix milliseconds. */
  readonly at: bigint;
  readonly kind: ConnectionRefusalKind;
  readonly reason: string;
  /** "ip:port" */
  readonly remoteAddress: string;
  readonly localPort: number;
  readonly peer: string;
}

export function describeRefusal(refusal: Refusal, now: number): RefusalEvent {
  const { remoteAddress, kind, reason, port, peer } = refusal;
  return { at: BigInt(now), kind, reason, remoteAddress, localPort: port, peer };
}
