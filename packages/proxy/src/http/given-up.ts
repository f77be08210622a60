import { ResponseFlag } from '@rampart/mesh';

/** A request that this sidecar gives up. Where no answer had begun, the caller was sent one of this status. */
export class GivenUpError extends Error {
  readonly status: 400 | 408 | 413 | 431 | 504;
  /** Of its record. */
  readonly flag: ResponseFlag;

  constructor(status: GivenUpError['status'], flag: ResponseFlag, message: string) {
    super(message);
    this.status = status;
    this.flag = flag;
  }
}

/** A body that was announced and does not come (Envoy's `stream_idle_timeout`). */
export function lateBody(): GivenUpError {
  return new GivenUpError(408, ResponseFlag.idle, 'the rest of the request did not come in time');
}

/** An answer that does not begin, does not go on, or is not taken (Envoy's `stream_idle_timeout`). */
export function lateAnswer(): GivenUpError {
  const text = 'for too long nothing came of the answer, or none of it was taken';
  return new GivenUpError(504, ResponseFlag.idle, text);
}

/** A body that cannot be read. */
export function unreadableBody(status: 400 | 413 | 431, reason: string): GivenUpError {
  return new GivenUpError(status, ResponseFlag.protocolError, reason);
}

/** What such a caller is told, as names and values of headers and their body. */
export function partingAnswer({ message }: GivenUpError): {
  readonly headers: readonly string[];
  readonly body: Buffer;
} {
  const body = Buffer.from(`${message}\n`);
  return { headers: ['content-type', 'text/plain', 'content-length', String(body.length)], body };
}
