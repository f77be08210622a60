import type { Clock, Verdict } from '@rampart/core';
import { deliverConnection, refusal, ResponseFlag, startSpan } from '@rampart/mesh';
import type {
  Ending,
  IdSource,
  InboundConnection,
  InboundTcpRecorder,
  Stopwatch,
  TcpJudge,
  TcpPermit,
  TraceContext,
} from '@rampart/mesh';

import { LinkError } from '../link/link-error.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { TUNNEL_LIMITS } from './limits.ts';
import type { TunnelLimits } from './limits.ts';
import { within } from './within.ts';
import { Tunnel } from './tunnel.ts';
import type { TunnelEnd } from './tunnel.ts';

export interface InboundTcpOptions {
  readonly judge: TcpJudge;
  readonly recorder: InboundTcpRecorder;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
  readonly limits?: TunnelLimits;
  /** Opens a connection to the application, which a policy has let `connection` through to. */
  connect(connection: InboundConnection, signal: AbortSignal): Promise<ByteStream>;
}

/** Bytes of a connection that was identified and admitted, and that carries no HTTP. */
export interface InboundBytes {
  readonly connection: InboundConnection;
  /** The connection itself, or a stream on it. */
  readonly stream: ByteStream;
  /** What was read of it before. */
  readonly head?: Buffer | undefined;
  /** What the other end says of itself, where there is a way to say it. */
  readonly trace?: TraceContext | undefined;
}

const NOTHING = Buffer.alloc(0);

/** authorize → deliver → record for connections without HTTP. */
export class InboundTcp {
  readonly #options: InboundTcpOptions;
  readonly #passages = new Set<Passage>();

  constructor(options: InboundTcpOptions) {
    this.#options = options;
  }

  /** Connections that are judged, or open. */
  get open(): number {
    return this.#passages.size;
  }

  accept(bytes: InboundBytes): void {
    const passage: Passage = new Passage(bytes, this.#options, () => this.#passages.delete(passage));
    this.#passages.add(passage);
    passage.start();
  }

  /** Ends every connection. */
  close(reason: string): void {
    for (const passage of [...this.#passages]) passage.close({ flag: ResponseFlag.upstreamReset, reason, policy: '' });
  }
}

/** One connection from its first judgement to its record. */
class Passage {
  readonly #bytes: InboundBytes;
  readonly #options: InboundTcpOptions;
  readonly #over: () => void;
  readonly #trace: TraceContext;
  readonly #startedAt: number;
  readonly #permit = Promise.withResolvers<TcpPermit>();
  #tunnel: Tunnel | undefined;
  #verdict: Verdict | undefined;
  #leave: () => void = () => {};

  constructor(bytes: InboundBytes, options: InboundTcpOptions, over: () => void) {
    this.#bytes = bytes;
    this.#options = options;
    this.#over = over;
    this.#trace = startSpan(bytes.trace, options.ids);
    this.#startedAt = options.stopwatch.elapsed();
  }

  /** Nothing is read from the caller until there is a permit, and the application to give it to. */
  start(): void {
    const { connection, stream, head = NOTHING } = this.#bytes;
    this.#options.recorder.opened(connection);
    const { clock, limits = TUNNEL_LIMITS, judge } = this.#options;
    const tunnel = new Tunnel({
      near: stream,
      head,
      connect: (signal) => this.#deliver(signal),
      failed: ({ message }) => ({
        flag: ResponseFlag.connectFailed,
        reason: `the application: ${message}`,
        policy: '',
      }),
      clock,
      idleMs: limits.idleMs,
      ended: (end) => this.#ended(end),
    });
    this.#tunnel = tunnel;
    const stay = judge.enter({
      connection,
      admitted: (permit) => {
        this.#verdict = permit.verdict;
        this.#permit.resolve(permit);
      },
      refused: (verdict) => {
        this.#verdict = verdict;
        const ending = { flag: ResponseFlag.denied, reason: verdict.reason, policy: verdict.policy };
        // Over a link the other end is told so, and no more.
        tunnel.close(ending, new LinkError('denied'));
      },
    });
    this.#leave = () => stay.leave();
  }

  close(ending: Ending): void {
    this.#tunnel?.close(ending);
  }

  async #deliver(signal: AbortSignal): Promise<ByteStream> {
    const permit = await this.#permit.promise;
    const { clock, limits = TUNNEL_LIMITS, connect } = this.#options;
    return deliverConnection(permit, (connection) =>
      within({ clock, milliseconds: limits.connectMs, signal }, (until) => connect(connection, until)),
    );
  }

  #ended({ ending, bytesReceived, bytesSent }: TunnelEnd): void {
    this.#leave();
    this.#over();
    const { connection } = this.#bytes;
    this.#options.recorder.write({
      trace: this.#trace,
      startedAt: this.#startedAt,
      bytesReceived,
      bytesSent,
      ending,
      connection,
      verdict: this.#verdict ?? refusal(ending.reason),
    });
  }
}
