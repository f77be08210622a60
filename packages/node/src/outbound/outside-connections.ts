import type { Socket } from 'node:net';

import { COMPLETE, EgressDenied, isOfProgram, ResponseFlag, startSpan } from '@rampart/mesh';
import type { Ending, IdSource, Outbound, OutboundTcpRecorder, Stopwatch, WayOut } from '@rampart/mesh';

import { currentRequest } from '../context.ts';
import type { Place } from './connect-arguments.ts';

export interface OutsideOptions {
  readonly outbound: Pick<Outbound, 'egress' | 'wayOut'>;
  readonly recorder: OutboundTcpRecorder;
  readonly ids: IdSource;
  readonly stopwatch: Stopwatch;
}

interface Held {
  readonly place: Place;
  /** What TLS the data plane speaks on it, to be compared. */
  readonly tls: string;
  /** Requests of undici under way on it. */
  busy: number;
  isOld: boolean;
}

/**
 * Connections of this process to hosts outside the mesh: each has a record of its end, and none is used on once TLS is to be spoken
 * to its host in another way than on it.
 */
export class OutsideConnections {
  readonly #options: OutsideOptions;
  readonly #held = new Map<Socket, Held>();

  constructor(options: OutsideOptions) {
    this.#options = options;
  }

  /** A connection begins that the program asked for as `place`. */
  opened(socket: Socket, place: Place, way: WayOut): void {
    if (!this.#options.outbound.egress.leaves(place.host)) return;
    this.#held.set(socket, { place, tls: keyOf(way), busy: 0, isOld: false });
    socket.once('close', () => this.#held.delete(socket));
    this.#record(socket, place);
  }

  /** Whether this is one of them. */
  busy(socket: Socket): boolean {
    const held = this.#held.get(socket);
    if (held === undefined) return false;
    held.busy += 1;
    return true;
  }

  idle(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    held.busy -= 1;
    if (held.isOld && held.busy <= 0) socket.destroy();
  }

  /** Rules have changed: what is under way ends first. */
  retire(): void {
    for (const [socket, held] of this.#held) {
      if (held.isOld || keyOf(this.#options.outbound.wayOut(held.place)) === held.tls) continue;
      held.isOld = true;
      if (isOfRequest(socket)) {
        // Before the agent hears of it, which would give it to whoever waits for one.
        socket.prependOnceListener('free', () => socket.destroy());
      } else if (held.busy <= 0) socket.destroy();
    }
  }

  #record(socket: Socket, { host, port }: Place): void {
    const { recorder, ids, stopwatch } = this.#options;
    const trace = startSpan(currentRequest.getStore(), ids);
    const startedAt = stopwatch.elapsed();
    let upstreamHost = '';
    socket.once('connect', () => {
      upstreamHost = addressOf(socket.remoteAddress ?? '', socket.remotePort ?? 0);
      recorder.opened(undefined, true);
    });
    socket.once('close', () => {
      const error = socket.errored ?? undefined;
      const isDenied = error instanceof EgressDenied;
      if (upstreamHost === '') {
        // Why it was not let out is on record already.
        if (isDenied) return;
        recorder.opened(undefined, true);
      }
      recorder.write({
        trace,
        startedAt,
        // As the caller's side has it: received from the application, sent to it.
        bytesReceived: socket.bytesWritten,
        bytesSent: socket.bytesRead,
        ending: isDenied ? error.ending : endingOf(error, upstreamHost !== ''),
        authority: addressOf(host, port),
        target: undefined,
        leaves: true,
        upstreamHost,
        decision: isDenied ? 'DENY' : 'ALLOW',
      });
    });
  }
}

function keyOf({ tls }: WayOut): string {
  return tls === undefined ? '' : JSON.stringify(tls);
}

/** Whether a request of `node:http` is under way on it, which says so nowhere else. */
function isOfRequest(socket: Socket): boolean {
  return Reflect.get(socket, '_httpMessage') != null;
}

function addressOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function endingOf(error: Error | undefined, isConnected: boolean): Ending {
  if (error === undefined && isConnected) return COMPLETE;
  const reason = error?.message ?? 'the application gave up before there was a connection';
  if (error === undefined || isOfProgram(error)) return { flag: ResponseFlag.callerGone, reason, policy: '' };
  return { flag: isConnected ? ResponseFlag.upstreamReset : ResponseFlag.connectFailed, reason, policy: '' };
}
