import http2 from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';

import { RampartError } from '@rampart/core';

import { COMPRESSED, END_OF_STREAM, envelop, EnvelopeReader } from './envelope.ts';
import { readEndOfStream, readRemoteError } from './remote-error.ts';

// Taken once, at load, like `tls.connect`: what the application puts in their place is not for these connections.
const { connect } = http2;

const OK = 200;
const MOST_ANSWER_BYTES: number = 4 * 1024 * 1024;
/** Snapshots come in one piece: a window as large as most of them saves round trips. */
const WINDOW_BYTES: number = 1024 * 1024;

/** One method of a service, as its path names it: "/rampart.v1.ControlService/Connect". */
export type MethodPath = `/${string}/${string}`;

/** A stream that is open in both directions. */
export interface ControlStream {
  send(message: Uint8Array): void;
  /** Resolves when the other side ended it well. @throws RemoteError, or what broke the connection. */
  readonly ended: Promise<void>;
  close(reason: Error): void;
}

export interface FollowOptions {
  readonly request: Uint8Array;
  readonly receive: (message: Uint8Array) => void;
}

export interface ChannelOptions {
  readonly origin: string;
  /** Opens the connection below; called once. */
  readonly open: () => Duplex;
}

/**
 * Speaks the Connect protocol (connectrpc.com/docs/protocol, version 1, binary) with the control plane over one HTTP/2
 * connection: the forms that data planes and agents need.
 */
export class Channel {
  readonly #session: ClientHttp2Session;

  constructor({ origin, open }: ChannelOptions) {
    this.#session = connect(origin, { createConnection: open, settings: { initialWindowSize: WINDOW_BYTES } });
    // Every stream of it hears of the same error; without a listener it would end the process.
    this.#session.on('error', () => undefined);
  }

  /** @throws RemoteError when the control plane says no; RampartError CONTROL_PLANE_UNREACHABLE when nothing comes for `timeoutMs`. */
  unary(path: MethodPath, message: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const stream = this.#request(path, 'application/proto', { 'connect-timeout-ms': String(timeoutMs) });
    stream.setTimeout(timeoutMs, () => stream.destroy(unreachable(`it did not answer for ${timeoutMs} ms`)));
    stream.end(message);
    return answerOf(stream);
  }

  /** `receive` gets each message as it comes; what it throws ends the stream. */
  stream(path: MethodPath, receive: (message: Uint8Array) => void): ControlStream {
    const stream = this.#request(path, 'application/connect+proto', {});
    return {
      send: (message) => {
        if (stream.writable) stream.write(envelop(message));
      },
      ended: messagesOf(stream, receive),
      close: (reason) => stream.destroy(reason),
    };
  }

  /** One request and the stream of its answers: `receive` gets each as it comes; what it throws ends the stream. */
  follow(path: MethodPath, { request, receive }: FollowOptions): Pick<ControlStream, 'ended' | 'close'> {
    const stream = this.#request(path, 'application/connect+proto', {});
    stream.end(envelop(request));
    return { ended: messagesOf(stream, receive), close: (reason) => stream.destroy(reason) };
  }

  close(): void {
    this.#session.destroy();
  }

  /** Lets calls that are under way end; nothing new can be asked. */
  finish(): void {
    this.#session.close();
  }

  #request(path: MethodPath, contentType: string, more: OutgoingHttpHeaders): ClientHttp2Stream {
    return this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': contentType,
      'connect-protocol-version': '1',
      ...more,
    });
  }
}

async function answerOf(stream: ClientHttp2Stream): Promise<Uint8Array> {
  const status = statusOf(stream);
  const chunks: Uint8Array[] = [];
  let length = 0;
  await received(stream, (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_ANSWER_BYTES) stream.destroy(unreachable('its answer is too long'));
  });
  const body = Buffer.concat(chunks);
  if (status() === OK) return body;
  throw readRemoteError(body, `the control plane answered with status ${status()}`);
}

async function messagesOf(stream: ClientHttp2Stream, receive: (message: Uint8Array) => void): Promise<void> {
  const status = statusOf(stream);
  const reader = new EnvelopeReader();
  let refusal: Error | undefined;
  await received(stream, (chunk) => {
    if (status() !== OK) throw unreachable(`it answered with status ${status()}`);
    for (const { flags, body } of reader.push(chunk)) {
      if ((flags & COMPRESSED) !== 0) throw unreachable('it compressed a message nobody asked it to');
      if ((flags & END_OF_STREAM) !== 0) refusal = readEndOfStream(body);
      else receive(body);
    }
  });
  if (refusal !== undefined) throw refusal;
}

function statusOf(stream: ClientHttp2Stream): () => number {
  let status = 0;
  stream.once('response', (headers) => (status = headers[':status'] ?? 0));
  return () => status;
}

/** Resolves at the end of what comes; rejects when the stream breaks or when `take` throws. */
function received(stream: ClientHttp2Stream, take: (chunk: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Uint8Array) => {
      try {
        take(chunk);
      } catch (cause) {
        stream.destroy(cause instanceof Error ? cause : unreachable(String(cause)));
      }
    });
    stream.once('end', resolve);
    stream.once('error', (error: Error) => reject(origin(error)));
    // A connection that is cut ends its streams without an error of their own.
    stream.once('close', () => reject(unreachable('the connection was closed')));
  });
}

/** Streams that a broken connection takes with it say so and no more; what broke it is behind that. */
function origin(error: NodeJS.ErrnoException): Error {
  return error.code === 'ERR_HTTP2_STREAM_CANCEL' && error.cause instanceof Error ? error.cause : error;
}

function unreachable(what: string): RampartError {
  return new RampartError('CONTROL_PLANE_UNREACHABLE', `no word from the control plane: ${what}`);
}
