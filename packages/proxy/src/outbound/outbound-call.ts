import { RampartError } from '@rampart/core';
import { COMPLETE, failure, formatTraceparent, isUnreached, requestIdOf, ResponseFlag } from '@rampart/mesh';
import type { Ending, OutboundExchange, Target } from '@rampart/mesh';

import type { Exchange } from '../http/exchange.ts';
import type { UpstreamCall } from '../http/upstream.ts';
import { BadAnswerError, ClientConnection, UnseenError } from '../http1/client-connection.ts';
import type { ResponseSink } from '../http1/client-connection.ts';
import type { MessageHead } from '../http1/head.ts';
import type { Portion } from '../http1/message-reader.ts';
import { isRepeatable } from '../http1/repeatable.ts';
import type { BodySink } from '../http1/server-exchange.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { endingOfAbandoned } from './abandoned.ts';
import { destinationOf } from './destination.ts';
import type { Destination } from './destination.ts';
import type { OutboundHttpOptions } from './outbound-http.ts';
import { RuledCall } from './ruled/ruled-call.ts';

const SERVICE_UNAVAILABLE = 503;
const FORBIDDEN = 403;
const BAD_GATEWAY = 502;
const BAD_REQUEST = 400;
const METHOD_NOT_ALLOWED = 405;
const HTTP_PORT = 80;
/** Instances that are asked for one request when nobody answers at the first. */
const MOST_TRIES = 3;

/** One request of an application of this host to a service: resolve → pick → dial → send → record. */
export class OutboundCall implements BodySink, ResponseSink {
  readonly #options: OutboundHttpOptions;
  readonly #server: Exchange;
  readonly #exchange: OutboundExchange;
  #client: UpstreamCall | undefined;
  #target: Target | undefined;
  #isRecorded = false;
  #mayRetry = true;
  #destination: Destination | undefined;
  /** The whole body, for as long as it is not known whether anybody has looked at it. */
  #unsent: Portion | undefined;
  #tries = 1;

  private constructor(options: OutboundHttpOptions, server: Exchange) {
    const { head } = server;
    this.#options = options;
    this.#server = server;
    const { method, url, httpVersion } = head;
    const protocol = httpVersion === '2' ? 'HTTP/2' : undefined;
    this.#exchange = options.recorder.begin({ method, path: url, authority: head.text('host') ?? '', protocol });
  }

  /** `captured` is where the connection was meant to go; absent where each request says so itself. */
  static begin(options: OutboundHttpOptions, server: Exchange, captured?: Destination): void {
    // Before anything is recorded: a target in absolute form is left in origin form.
    const destination = destinationOf(server.head, captured);
    const call = new OutboundCall(options, server);
    call.#route(destination);
  }

  requestBody(portion: Portion): boolean {
    return this.#client?.continue(portion) ?? true;
  }

  abandoned(error: Error): void {
    this.#client?.abandon();
    this.#exchange.code = this.#server.status;
    this.#end(endingOfAbandoned(this.#exchange, error));
  }

  responseRoom(): void {
    this.#client?.resume();
  }

  response(head: MessageHead, portion: Portion): boolean {
    this.#exchange.code = head.status;
    if (this.#options.isDraining()) this.#server.makeLast();
    const hasRoom = this.#server.respond(head, portion);
    if (portion.isLast) this.#end(this.#complete());
    return hasRoom;
  }

  responseBody(portion: Portion): boolean {
    const hasRoom = this.#server.continue(portion);
    if (portion.isLast) this.#end(this.#complete());
    return hasRoom;
  }

  inform(head: MessageHead): void {
    this.#server.inform(head);
  }

  switched(head: MessageHead, far: ByteStream, rest: Buffer): void {
    this.#exchange.code = head.status;
    const { stream, rest: early, over } = this.#server.switchTo(head);
    if (rest.length > 0) stream.write(rest);
    this.#options.join({ near: stream, head: early, far }, ({ bytesReceived, bytesSent, ending }) => {
      over();
      this.#server.bytesReceived = bytesReceived;
      this.#server.bytesSent = bytesSent;
      this.#end(ending);
    });
  }

  requestRoom(): void {
    this.#server.resume();
  }

  failed(error: Error): void {
    const client = this.#client;
    this.#client = undefined;
    if (this.#server.hasBegunAnswer) {
      this.#server.breakOff(error);
      this.#end(this.#ending(error, true));
      return;
    }
    if (this.#mayRetry && client?.wasUsed === true && !client.hasAnswered && this.#canBeRepeated(error)) {
      this.#mayRetry = false;
      this.#send(true);
      return;
    }
    if (isUnreached(error) && this.#unsent !== undefined && this.#tries < MOST_TRIES) {
      this.#tryAnother(error);
      return;
    }
    const isConnected = client?.wasUsed === true || !('code' in error);
    this.#refuse(isConnected ? BAD_GATEWAY : unreachedStatus(error), error);
  }

  /** Whether sending it once more repeats nothing that must not be. */
  #canBeRepeated(error: Error): boolean {
    if (error instanceof UnseenError) return this.#unsent !== undefined;
    return !(error instanceof BadAnswerError) && isRepeatable(this.#server);
  }

  #route(destination: Destination | undefined): void {
    if (this.#server.head.method === 'CONNECT') {
      // Tunnels begin with the first bytes of a connection, or not at all.
      this.#refuse(
        METHOD_NOT_ALLOWED,
        new RampartError('INVALID_ARGUMENT', 'CONNECT comes first on a connection, or not at all'),
      );
      return;
    }
    if (destination === undefined) {
      this.#refuse(BAD_REQUEST, new RampartError('INVALID_ARGUMENT', 'the request names no host'));
      return;
    }
    const route = this.#options.route(destination);
    switch (route.kind) {
      case 'failed':
        this.#refuse(unreachedStatus(route.error), route.error);
        return;
      case 'outside':
        this.#leave(destination);
        return;
      case 'ruled':
        this.#sign();
        RuledCall.begin({ options: this.#options, server: this.#server, exchange: this.#exchange, ruled: route.ruled });
        return;
      case 'mesh':
        this.#destination = destination;
        this.#aim(route.target);
        this.#sign();
        this.#send(false);
    }
  }

  #aim(target: Target): void {
    this.#target = target;
    this.#exchange.target = target;
    this.#options.started(target);
  }

  /** Nobody answered, so nothing was sent: another instance can be asked for anything. */
  #tryAnother(error: Error): void {
    const last = this.#target;
    const route = this.#destination === undefined ? undefined : this.#options.route(this.#destination);
    if (route?.kind !== 'mesh' || last === undefined || route.target.endpoint.instanceId === last.endpoint.instanceId) {
      this.#refuse(unreachedStatus(error), error);
      return;
    }
    this.#tries += 1;
    this.#options.finished(last);
    this.#aim(route.target);
    this.#send(false);
  }

  #leave(destination: Destination): void {
    this.#exchange.leaves = true;
    const client = new ClientConnection({
      stream: this.#options.outside({ ...destination, port: destination.port === 0 ? HTTP_PORT : destination.port }),
      idle: (connection) => connection.discard(),
      gone: () => undefined,
    });
    this.#client = client;
    this.#forward(client);
  }

  #send(fresh: boolean): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#client = this.#options.pool(target).take(fresh);
    this.#forward(this.#client);
  }

  #forward(client: UpstreamCall): void {
    const server = this.#server;
    const portion = this.#unsent ?? server.takeBody(this);
    const hasRoom = client.send(server, portion, this);
    this.#unsent = portion.isLast ? portion : undefined;
    if (!hasRoom) server.pause();
  }

  /** W3C Trace Context: the trace of the application goes on, or begins here; this hop is a span of it. */
  #sign(): void {
    const { head } = this.#server;
    const requestId = head.text('x-request-id');
    const traceparent = head.text('traceparent');
    this.#exchange.adopt(requestId, traceparent);
    if (requestId === undefined) head.add('x-request-id', requestIdOf(this.#exchange));
    if (traceparent === undefined) head.add('traceparent', formatTraceparent(this.#exchange));
    else head.replace('traceparent', formatTraceparent(this.#exchange));
    // It belongs to a trace that could not be read (W3C Trace Context §3.3).
    if (this.#exchange.parentSpanId === '') head.remove('tracestate');
  }

  #refuse(status: number, error: Error): void {
    const code = error instanceof RampartError ? `${error.code}: ` : '';
    const body = Buffer.from(`${code}${error.message}\n`);
    const ending = this.#ending(error, status === BAD_GATEWAY);
    this.#server.answer(status, ['content-type', 'text/plain', 'content-length', String(body.length)], body);
    this.#exchange.code = this.#server.status;
    const isNoRequest = status === BAD_REQUEST || status === METHOD_NOT_ALLOWED;
    this.#end(isNoRequest ? { ...ending, flag: ResponseFlag.protocolError } : ending);
  }

  #ending(error: Error, connected: boolean): Ending {
    const ending = failure(this.#exchange, error, { byCaller: false, connected });
    return error instanceof BadAnswerError ? { ...ending, flag: ResponseFlag.upstreamProtocolError } : ending;
  }

  #complete(): Ending {
    const { remark = '' } = this.#server;
    return remark === '' ? COMPLETE : { ...COMPLETE, reason: remark };
  }

  #end(ending: Ending): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const exchange = this.#exchange;
    if (this.#target !== undefined) this.#options.finished(this.#target);
    exchange.bytesSent = this.#server.bytesReceived;
    exchange.bytesReceived = this.#server.bytesSent;
    exchange.userAgent = this.#server.head.text('user-agent') ?? '';
    this.#options.recorder.end(exchange, ending);
  }
}

/** By its name, or by the address that was found for it: a policy that keeps a request from where it was going says so. */
function unreachedStatus(error: Error): number {
  return error instanceof RampartError && error.code === 'EGRESS_DENIED' ? FORBIDDEN : SERVICE_UNAVAILABLE;
}
