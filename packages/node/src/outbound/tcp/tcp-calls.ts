import type { Socket } from 'node:net';

import { RampartError } from '@rampart/core';
import { COMPLETE, ConnectionLimited, EgressDenied, isOfProgram, ResponseFlag, startSpan } from '@rampart/mesh';
import type { Ending, IdSource, Outbound, OutboundTcpRecorder, Stopwatch, Target } from '@rampart/mesh';

import { currentRequest } from '../../context.ts';

export interface TcpCallsOptions {
  readonly outbound: Outbound;
  readonly recorder: OutboundTcpRecorder;
  readonly ids: IdSource;
  readonly stopwatch: Stopwatch;
}

/** A connection of the application to a service of the mesh. */
export interface TcpCall {
  /** "host:port" as the application asked for it. */
  readonly authority: string;
  /** Undefined where there is no instance to connect to. */
  readonly target: Target | undefined;
  /** That was asked for, where it cannot be had. */
  readonly service?: Target['service'] | undefined;
  /** Whether the peer has proved who it is. */
  isProved(): boolean;
  bytes(): { readonly sent: number; readonly received: number };
}

/** A connection on its way to its record. */
export interface FollowedCall {
  /** Nobody answered where it was to go: another instance is asked. */
  turnTo(target: Target): void;
}

/** Follows connections without HTTP from their beginning to the record of their end. */
export class TcpCalls {
  readonly #options: TcpCallsOptions;

  constructor(options: TcpCallsOptions) {
    this.#options = options;
  }

  follow(socket: Socket, { authority, target: first, service, isProved, bytes }: TcpCall): FollowedCall {
    const { outbound, recorder, ids, stopwatch } = this.#options;
    const { picker } = outbound.plane;
    let target = first;
    const passage = {
      trace: startSpan(currentRequest.getStore(), ids),
      startedAt: stopwatch.elapsed(),
      authority,
      service,
      leaves: false,
    };
    recorder.opened(target, false);
    if (target !== undefined) picker.started(target.endpoint);
    socket.once('close', () => {
      if (target !== undefined) picker.finished(target.endpoint);
      const { sent, received } = bytes();
      const ending = endingOf(socket.errored ?? undefined, { target, isProved: isProved() });
      recorder.write({
        ...{ ...passage, target },
        // As the caller's side has it: received from the application, sent to it.
        bytesReceived: sent,
        bytesSent: received,
        ending,
        upstreamHost: target?.endpoint.address ?? '',
        decision: isRefused(ending, target) ? 'DENY' : 'ALLOW',
      });
    });
    return {
      turnTo: (other) => {
        if (target !== undefined) picker.finished(target.endpoint);
        target = other;
        picker.started(other.endpoint);
      },
    };
  }
}

interface Way {
  readonly target: Target | undefined;
  readonly isProved: boolean;
}

/** It was not let go anywhere; one that only found no room might have been. */
function isRefused({ flag }: Ending, target: Target | undefined): boolean {
  return flag === ResponseFlag.denied || (target === undefined && flag !== ResponseFlag.overloaded);
}

function endingOf(error: Error | undefined, way: Way): Ending {
  if (error instanceof EgressDenied || error instanceof ConnectionLimited) return error.ending;
  if (error === undefined && way.isProved) return COMPLETE;
  const reason = error?.message ?? 'the application gave up before there was a connection';
  return { flag: flagOf(error, way), reason, policy: '' };
}

function flagOf(error: Error | undefined, { target, isProved }: Way): ResponseFlag {
  if (target === undefined) {
    return error instanceof RampartError && error.code === 'NOT_FOUND' ? ResponseFlag.noRoute : ResponseFlag.noInstance;
  }
  if (error === undefined || (isProved && isOfProgram(error))) return ResponseFlag.callerGone;
  return isProved ? ResponseFlag.upstreamReset : ResponseFlag.connectFailed;
}
