import { RampartError } from '@rampart/core';
import { failure } from '@rampart/mesh';
import type { OutgoingSignature, RequestToSign } from '@rampart/mesh';

import type { RuledRequest } from './ruled-call.ts';

/** Headers of a request with its signature among them. */
export type SignHead = (request: RequestToSign) => string[];

const CONTENT_TOO_LARGE = 413;
const NOTHING = { bytes: new Uint8Array(), complete: true };

/** Reads ahead what is to be signed: undefined where the request ends here, with its answer and its record. Never rejects. */
export async function prepareToSign(
  request: RuledRequest,
  signature: OutgoingSignature,
): Promise<SignHead | undefined> {
  const { server } = request;
  try {
    server.invite();
    const peeking = server.isUpgrade ? NOTHING : server.peek(signature.maxBodyBytes, new AbortController().signal);
    const [sign, { bytes, complete }] = await Promise.all([signature.load(), peeking]);
    if (complete) return (head) => sign(head, bytes);
    refuseTooLarge(request, signature);
  } catch (error) {
    end(request, error instanceof Error ? error : new Error('unknown error'), true);
  }
  return undefined;
}

function refuseTooLarge(request: RuledRequest, { maxBodyBytes }: OutgoingSignature): void {
  const text = `this service asks for signed requests, and a body of more than ${maxBodyBytes} bytes cannot be signed`;
  const error = new RampartError('INVALID_ARGUMENT', text);
  const body = Buffer.from(`${error.code}: ${text}\n`);
  request.exchange.code = CONTENT_TOO_LARGE;
  request.server.answer(CONTENT_TOO_LARGE, ['content-type', 'text/plain', 'content-length', String(body.length)], body);
  end(request, error, false);
}

function end({ options, server, exchange }: RuledRequest, error: Error, byCaller: boolean): void {
  exchange.bytesSent = server.bytesReceived;
  exchange.bytesReceived = server.bytesSent;
  exchange.userAgent = server.head.text('user-agent') ?? '';
  options.recorder.end(exchange, failure(exchange, error, { byCaller, connected: false }));
}
