import type { ClientRequest, IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

import type { CompiledAnswer } from '@rampart/core';
import { breakageOf, changeHeaders, COMPLETE, failure } from '@rampart/mesh';
import type { CallDriver, Ending, TrafficCall, Try } from '@rampart/mesh';

import { passedHeaders } from './passed-headers.ts';
import type { RuledRequest } from './ruled-call.ts';
import { asUnsignable, NO_BODY, Signing } from './signing.ts';
import type { Unsignable } from './signing.ts';

const SWITCHING = 101;

export interface RuledUpgradeOptions extends Omit<RuledRequest, 'response'> {
  readonly socket: Duplex;
  /** What came behind the request. */
  readonly head: Buffer;
}

/** A request that takes its connection to another protocol, such as WebSocket: rules choose where it goes, and it is sent once. */
export class RuledUpgrade implements CallDriver {
  readonly canBeRepeated = false;
  readonly #options: RuledUpgradeOptions;
  readonly #call: TrafficCall;
  readonly #signing: Signing;
  #current: ClientRequest | undefined;
  #isRecorded = false;

  private constructor(options: RuledUpgradeOptions) {
    this.#options = options;
    const { request, socket, exchange, ruled } = options;
    exchange.ruled = ruled.service;
    this.#signing = new Signing(ruled.signature, NO_BODY);
    const { method = 'GET', url = '/', headers } = request;
    this.#call = ruled.call({ method, url, authority: headers.host ?? '', headers }, this);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#closed());
  }

  static begin(options: RuledUpgradeOptions): void {
    new RuledUpgrade(options).#call.begin();
  }

  send(attempt: Try): void {
    this.#options.exchange.target = attempt.target;
    const refused = (unsignable: Unsignable): void => this.#refuse(unsignable);
    this.#signing.prepare({ ready: () => this.#sendNow(attempt), refused });
  }

  #sendNow(attempt: Try): void {
    try {
      const sent = this.#open(attempt);
      this.#current = sent;
      sent.once('upgrade', (answer, far, head) => this.#switched(answer, far, head));
      sent.once('response', (answer) => this.#refused(answer));
      sent.once('error', (error) => this.#broke(sent, error));
      sent.end();
    } catch (error) {
      const unsignable = asUnsignable(error);
      if (unsignable !== undefined) this.#refuse(unsignable);
      else queueMicrotask(() => this.#call.broke(breakageOf(error, false)));
    }
  }

  #open({ target, url, authority, headers }: Try): ClientRequest {
    const { request, send } = this.#options;
    const { method = 'GET', url: asked = '/', headers: said, rawHeaders } = request;
    const path = url ?? asked;
    const own = {
      remove: [],
      set: [['connection', 'Upgrade'] as const, ['upgrade', said.upgrade ?? ''] as const],
      add: [],
    };
    const host = authority === undefined ? undefined : { remove: [], set: [['host', authority] as const], add: [] };
    const changed = changeHeaders(passedHeaders(rawHeaders), ...headers, host, own);
    return send(target, { method, path, headers: this.#signing.headersOf({ method, target: path, headers: changed }) });
  }

  #refuse({ error, answer }: Unsignable): void {
    this.#call.abandoned();
    this.answer(answer, failure(this.#options.exchange, error, { byCaller: false, connected: false }));
  }

  /** What becomes of a connection cannot be copied. */
  mirror(): void {}

  drop(): void {
    const current = this.#current;
    this.#current = undefined;
    this.#signing.forget();
    current?.destroy();
  }

  answer({ status, headers, body }: CompiledAnswer, ending: Ending): void {
    this.#options.exchange.code = status;
    const all = [...headers.flat(), 'content-length', String(body.length)];
    this.#options.socket.end(Buffer.concat([Buffer.from(headText(status, '', all), 'latin1'), body]));
    this.#end(ending);
  }

  breakOff(ending: Ending): void {
    this.drop();
    this.#options.socket.destroy();
    this.#end(ending);
  }

  #switched(answer: IncomingMessage, far: Duplex, head: Buffer): void {
    const { socket, exchange, head: early } = this.#options;
    if (!this.#call.answered(SWITCHING)) {
      far.destroy();
      return;
    }
    exchange.code = SWITCHING;
    const { statusMessage = '', rawHeaders } = answer;
    socket.write(
      Buffer.from(
        headText(SWITCHING, statusMessage, changeHeaders(rawHeaders, ...this.#call.responseHeaders)),
        'latin1',
      ),
    );
    if (head.length > 0) socket.write(head);
    if (early.length > 0) far.write(early);
    far.on('error', () => socket.destroy());
    far.on('data', (chunk: Buffer) => (exchange.bytesReceived += chunk.length));
    socket.on('data', (chunk: Buffer) => (exchange.bytesSent += chunk.length));
    far.pipe(socket);
    socket.pipe(far);
    far.once('close', () => {
      socket.destroy();
      this.#complete();
    });
    socket.once('close', () => far.destroy());
  }

  #refused(answer: IncomingMessage): void {
    const { socket, exchange } = this.#options;
    const { statusCode = 0, statusMessage = '', rawHeaders } = answer;
    if (!this.#call.answered(statusCode)) return;
    exchange.code = statusCode;
    const headers = changeHeaders(passedHeaders(rawHeaders), ...this.#call.responseHeaders);
    socket.write(Buffer.from(headText(statusCode, statusMessage, [...headers, 'connection', 'close']), 'latin1'));
    answer.pipe(socket);
    answer.once('end', () => this.#complete());
  }

  #broke(sent: ClientRequest, error: Error): void {
    if (sent === this.#current) this.#call.broke(breakageOf(error, sent.reusedSocket));
  }

  #complete(): void {
    this.#current = undefined;
    this.#call.finished();
    this.#end(this.#call.ending(COMPLETE));
  }

  #closed(): void {
    if (this.#isRecorded) return;
    if (this.#options.exchange.code !== 0) {
      this.#complete();
      return;
    }
    this.#call.abandoned();
    this.#end(failure(this.#options.exchange, new Error('the caller went away'), { byCaller: true, connected: true }));
  }

  #end(ending: Ending): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const { exchange, recorder, request } = this.#options;
    exchange.userAgent = request.headers['user-agent'] ?? '';
    recorder.end(exchange, ending);
  }
}

function headText(status: number, phrase: string, headers: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${phrase === '' ? (STATUS_CODES[status] ?? '') : phrase}\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2)
    text += `${headers[index] ?? ''}: ${headers[index + 1] ?? ''}\r\n`;
  return `${text}\r\n`;
}
