import type { Clock } from '@rampart/core';

import { TUNNEL_LIMITS } from './limits.ts';
import { Tunnel } from './tunnel.ts';
import type { TunnelEnd } from './tunnel.ts';
import { ResponseFlag } from '@rampart/mesh';
import type { ByteStream } from '../stream/byte-stream.ts';

/** Two streams of an upgraded connection. */
export interface Joint {
  /** The caller's. */
  readonly near: ByteStream;
  /** What was read of `near` before. */
  readonly head: Buffer;
  readonly far: ByteStream;
}

/** Carries bytes both ways between two streams that are there. */
export type Join = (joint: Joint, ended: (end: TunnelEnd) => void) => void;

export function joiner(clock: Clock): Join {
  return ({ near, head, far }, ended) => {
    const tunnel = new Tunnel({
      near,
      head,
      connect: () => Promise.resolve(far),
      failed: ({ message }) => ({ flag: ResponseFlag.upstreamReset, reason: message, policy: '' }),
      clock,
      idleMs: TUNNEL_LIMITS.idleMs,
      ended,
    });
    void tunnel;
  };
}
