import { ResponseFlag, startSpan } from '@rampart/mesh';
import type { Ending, IdSource, OutboundTcpRecorder, Stopwatch, Target } from '@rampart/mesh';
import type { Clock } from '@rampart/core';

import type { CapturedConnection } from '../capture/captured-connection.ts';
import { farewell } from '../stream/farewell.ts';
import { ownResponseText } from '../http1/head-text.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { TUNNEL_LIMITS } from '../tcp/limits.ts';
import type { Destination } from './destination.ts';

export interface CapturedHttpOptions {
  /** Serves what is no TLS. */
  readonly serve: (stream: ByteStream, head: Buffer, destination: Destination) => void;
  readonly recorder: OutboundTcpRecorder;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
}

/** First byte of a TLS connection (RFC 8446 §5.1). */
const HANDSHAKE_RECORD = 22;
/** What `https:` means where no port is named. No service of the mesh is meant by it that does not listen there. */
const HTTPS_PORT = 443;
const BAD_REQUEST = 400;

/**
 * Connections that were captured on their way to a service with HTTP, until their first byte. TLS of the application's own
 * ends here with what to do instead: between two applications it is the mesh that encrypts, and judges what it can read.
 */
export class CapturedHttp {
  readonly #options: CapturedHttpOptions;
  readonly #silent = new Set<ByteStream>();

  constructor(options: CapturedHttpOptions) {
    this.#options = options;
  }

  connected(captured: CapturedConnection, target: Target): void {
    const { stream, head, destination } = captured;
    if (destination.port === HTTPS_PORT && target.endpoint.port !== HTTPS_PORT) {
      captured.refuse(this.#record(captured, target, 0));
      return;
    }
    captured.accept();
    const first = (bytes: Buffer): void => {
      if (bytes[0] === HANDSHAKE_RECORD) this.#refuse(captured, target, bytes);
      else this.#options.serve(stream, bytes, destination);
    };
    if (head.length > 0) first(head);
    else this.#await(stream, first);
    stream.resume();
  }

  /** Closes those that have said nothing. */
  close(): void {
    for (const stream of this.#silent) stream.reset();
  }

  #await(stream: ByteStream, first: (bytes: Buffer) => void): void {
    const timer = this.#options.clock.after(TUNNEL_LIMITS.idleMs, () => stream.reset());
    const forget = (): void => {
      timer.cancel();
      this.#silent.delete(stream);
    };
    this.#silent.add(stream);
    stream.receive({
      data: (chunk) => {
        forget();
        first(chunk);
      },
      end: () => stream.end(),
      drain: () => {},
      close: forget,
    });
  }

  #refuse(captured: CapturedConnection, target: Target, bytes: Buffer): void {
    const { reason } = this.#record(captured, target, bytes.length);
    const body = `${reason}\n`;
    const headers = ['content-type', 'text/plain', 'content-length', String(body.length)];
    farewell(captured.stream, `${ownResponseText(BAD_REQUEST, headers, true)}${body}`, this.#options.clock);
  }

  #record({ destination: { host, port } }: CapturedConnection, target: Target, bytesReceived: number): Ending {
    const { recorder, ids, stopwatch } = this.#options;
    const where = port === HTTPS_PORT ? host : `${host}:${port}`;
    const reason = `TLS is the mesh's own business: call http://${where}/ in plaintext, it encrypts between the workloads`;
    const ending: Ending = { flag: ResponseFlag.protocolError, reason, policy: '' };
    recorder.opened(target, false);
    recorder.write({
      trace: startSpan(undefined, ids),
      startedAt: stopwatch.elapsed(),
      bytesReceived,
      bytesSent: 0,
      ending,
      authority: `${host}:${port}`,
      target,
      leaves: false,
      upstreamHost: '',
      decision: 'ALLOW',
    });
    return ending;
  }
}
