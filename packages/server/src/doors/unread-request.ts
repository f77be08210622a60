import type { Clock } from '@rampart/core';
import type { NodeRequest, NodeResponse } from './node-handler.ts';

/** As long as it takes a caller to see its answer. */
const LINGER_MS = 1000;
const LONGEST_STRANGER_MS = 15_000;

/**
 * Over HTTP/1.1 Node goes on reading what is left of a request after its answer, however much that is. Nobody wants it: the
 * connection is cut. It lingers a moment, because a caller that is cut while it sends may never see why.
 */
export function cutUnread(request: NodeRequest, response: NodeResponse, lingerMs: number = LINGER_MS): void {
  if (request.httpVersionMajor !== 1) return;
  const { socket } = request;
  response.once('finish', () => {
    if (request.complete) return;
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    request.once('end', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
  });
}

/** Whoever proved nothing gets little time to send its message, whether it sends slowly or not at all. */
export function cutWhenLate(response: NodeResponse, clock: Clock): void {
  const cut = clock.after(LONGEST_STRANGER_MS, () => response.destroy());
  // Without this a call that is over stays in memory until it would have been cut: of attestations there may be thousands a second.
  response.once('close', () => cut.cancel());
}
