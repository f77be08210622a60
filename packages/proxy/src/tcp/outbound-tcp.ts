import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import { admitted, ConnectionLimited, EgressDenied, isUnreached, ResponseFlag, startSpan } from '@rampart/mesh';
import type {
  Ending,
  IdSource,
  OutboundPassage,
  OutboundTcpRecorder,
  Route,
  Stopwatch,
  Target,
  TraceContext,
} from '@rampart/mesh';

import type { CapturedConnection, OutboundDoor } from '../capture/captured-connection.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { TUNNEL_LIMITS } from './limits.ts';
import type { TunnelLimits } from './limits.ts';
import type { OutsideConnection } from './outside.ts';
import { Tunnel } from './tunnel.ts';
import type { TunnelEnd } from './tunnel.ts';
import { UnansweredStream } from './unanswered-stream.ts';
import { within } from './within.ts';

export interface OutboundTcpOptions {
  /** Where a host and port lead to. */
  route(host: string, port: number): Route;
  /** Opens a way for bytes to an instance of the mesh that has proved its identity; `trace` goes along where it can. */
  dial(target: Target, trace: TraceContext, signal: AbortSignal): Promise<ByteStream>;
  /** Opens a connection to somewhere outside the mesh, or rejects with `EgressDenied`. */
  leave(destination: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<OutsideConnection>;
  readonly recorder: OutboundTcpRecorder;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
  readonly limits?: TunnelLimits;
}

/** resolve → pick → dial → send → record for connections without HTTP, and for those that leave the mesh. */
export class OutboundTcp implements OutboundDoor {
  readonly #options: OutboundTcpOptions;
  readonly #departures = new Set<Departure>();

  constructor(options: OutboundTcpOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#departures.size;
  }

  connected(connection: CapturedConnection): void {
    const departure: Departure = new Departure(connection, this.#options, () => this.#departures.delete(departure));
    this.#departures.add(departure);
    departure.start();
  }

  /** Ends every connection. */
  close(reason: string): void {
    const ending: Ending = { flag: ResponseFlag.callerGone, reason, policy: '' };
    for (const departure of [...this.#departures]) departure.close(ending);
  }
}

/** One connection from the application to its record. */
class Departure {
  readonly #captured: CapturedConnection;
  readonly #options: OutboundTcpOptions;
  readonly #over: () => void;
  readonly #trace: TraceContext;
  readonly #startedAt: number;
  #tunnel: Tunnel | undefined;
  #target: Target | undefined;
  /** That was asked for, where it cannot be had. */
  #service: OutboundPassage['service'];
  /** The room that it takes. */
  #held: Target['held'];
  #upstreamHost = '';
  #leaves = false;
  /** Ids of instances beyond the first. */
  readonly #tried = new Set<string>();
  #isDenied = false;
  readonly #closed = new AbortController();

  constructor(captured: CapturedConnection, options: OutboundTcpOptions, over: () => void) {
    this.#captured = captured;
    this.#options = options;
    this.#over = over;
    this.#trace = startSpan(undefined, options.ids);
    this.#startedAt = options.stopwatch.elapsed();
  }

  start(): void {
    const { stream, head, destination } = this.#captured;
    const { clock, limits = TUNNEL_LIMITS } = this.#options;
    const route = admitted(this.#options.route(destination.host, destination.port));
    this.#held = route.kind === 'mesh' ? route.target.held : undefined;
    this.#service = route.kind === 'failed' ? route.service : undefined;
    this.#target = route.kind === 'mesh' ? route.target : undefined;
    this.#leaves = route.kind === 'outside';
    this.#options.recorder.opened(this.#target, this.#leaves);
    this.#tunnel = new Tunnel({
      near: stream,
      head,
      connect: (signal) =>
        within({ clock, milliseconds: limits.connectMs, signal }, (until) => this.#connect(route, until)),
      failed: (error) => {
        this.#isDenied = error instanceof EgressDenied;
        return endingOf(error);
      },
      clock,
      idleMs: limits.idleMs,
      opened: () => {
        this.#captured.accept();
      },
      unopened: (ending) => this.#captured.refuse(ending),
      ended: (end) => this.#ended(end),
    });
  }

  close(ending: Ending): void {
    this.#tunnel?.close(ending);
  }

  async #connect(route: Route, signal: AbortSignal): Promise<ByteStream> {
    switch (route.kind) {
      case 'failed':
        throw route.error;
      case 'mesh':
        return new UnansweredStream(await this.#dial(route.target, signal), (error) => this.#dialAgain(error));
      case 'outside': {
        const { stream, address } = await this.#options.leave(this.#captured.destination, signal);
        this.#upstreamHost = address;
        return stream;
      }
    }
  }

  /** What was taken for a connection was none. */
  #dialAgain(error: Error): Promise<ByteStream> {
    const { clock, limits = TUNNEL_LIMITS, route } = this.#options;
    const { host, port } = this.#captured.destination;
    const other = route(host, port);
    if (other.kind !== 'mesh') return Promise.reject(other.kind === 'failed' ? other.error : error);
    return within({ clock, milliseconds: limits.connectMs, signal: this.#closed.signal }, (signal) =>
      this.#dial(other.target, signal),
    );
  }

  /** Where nobody answers, another instance is asked. */
  async #dial(target: Target, signal: AbortSignal): Promise<ByteStream> {
    this.#target = target;
    this.#upstreamHost = target.endpoint.address;
    try {
      const stream = await this.#options.dial(target, this.#trace, signal);
      target.held?.answered(true);
      return stream;
    } catch (error) {
      if (error instanceof Error && isUnreached(error)) target.held?.answered(false);
      const { host, port } = this.#captured.destination;
      const other = error instanceof Error && isUnreached(error) ? this.#options.route(host, port) : undefined;
      if (other?.kind !== 'mesh' || this.#tried.has(other.target.endpoint.instanceId)) throw error;
      this.#tried.add(other.target.endpoint.instanceId);
      return this.#dial(other.target, signal);
    }
  }

  #ended({ ending, bytesReceived, bytesSent }: TunnelEnd): void {
    this.#over();
    this.#closed.abort();
    this.#held?.close();
    const { host, port } = this.#captured.destination;
    this.#options.recorder.write({
      trace: this.#trace,
      startedAt: this.#startedAt,
      bytesReceived,
      bytesSent,
      ending,
      authority: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
      target: this.#target,
      service: this.#service,
      leaves: this.#leaves,
      upstreamHost: this.#upstreamHost,
      decision: this.#isDenied ? 'DENY' : 'ALLOW',
    });
  }
}

/** Where a connection could not be opened: whose fault it was. */
function endingOf(error: Error): Ending {
  if (error instanceof EgressDenied || error instanceof ConnectionLimited) return error.ending;
  return { flag: flagOf(error), reason: error.message, policy: '' };
}

function flagOf(error: Error): ResponseFlag {
  if (!(error instanceof RampartError)) return ResponseFlag.connectFailed;
  if (error.code === 'NOT_FOUND') return ResponseFlag.noRoute;
  return NO_INSTANCE.has(error.code) ? ResponseFlag.noInstance : ResponseFlag.connectFailed;
}

const NO_INSTANCE: ReadonlySet<string> = new Set(['NO_HEALTHY_INSTANCE', 'IDENTITY_NOT_READY', 'POLICY_NOT_READY']);
