import { RampartError } from '@rampart/core';
import type { CompiledAnswer } from '@rampart/core';
import type { OutgoingSignature, RequestToSign } from '@rampart/mesh';

import type { RequestBody } from './request-body.ts';

/** Of a request without content: an upgrade is none until it is answered. */
export const NO_BODY: Pick<RequestBody, 'whole'> = { whole: () => Promise.resolve(Buffer.alloc(0)) };

const BAD_REQUEST = 400;
const CONTENT_TOO_LARGE = 413;

/** What becomes of a request that cannot be signed, with which nothing is wrong at any instance. */
export interface Unsignable {
  readonly error: RampartError;
  readonly answer: CompiledAnswer;
}

interface Waiting {
  ready(): void;
  refused(unsignable: Unsignable): void;
}

/** Signs what a request sends, each try anew, once all is there that has to be signed. Where nobody asks for it, it does nothing. */
export class Signing {
  readonly #signature: OutgoingSignature | undefined;
  readonly #body: Pick<RequestBody, 'whole'>;
  #sign: ((message: RequestToSign) => readonly string[]) | undefined;
  #waiting: Waiting | undefined;

  constructor(signature: OutgoingSignature | undefined, body: Pick<RequestBody, 'whole'>) {
    this.#signature = signature;
    this.#body = body;
  }

  /** Calls back once a try can be sent: at once, or when its body is there as a whole; never, where `forget` comes first. */
  prepare(waiting: Waiting): void {
    if (this.#signature === undefined || this.#sign !== undefined) waiting.ready();
    else void this.#load(this.#signature, waiting);
  }

  forget(): void {
    this.#waiting = undefined;
  }

  /** The headers of a try, names and values in turn; `host` has to be among them. */
  headersOf(message: RequestToSign): readonly string[] {
    return this.#sign?.(message) ?? message.headers;
  }

  async #load(signature: OutgoingSignature, waiting: Waiting): Promise<void> {
    this.#waiting = waiting;
    const [sign, body] = await Promise.all([signature.load(), this.#body.whole()]);
    if (this.#waiting !== waiting) return;
    this.#waiting = undefined;
    if (body === undefined) {
      const why = `a body of more than ${signature.maxBodyBytes} bytes cannot be signed`;
      waiting.refused(unsignable(CONTENT_TOO_LARGE, why));
      return;
    }
    this.#sign = (message) => sign(message, body);
    waiting.ready();
  }
}

/** Whether this is why a try could not be signed: a Host that stands for none, for one, which applications pass on as they are sent it. */
export function asUnsignable(error: unknown): Unsignable | undefined {
  if (!(error instanceof RampartError) || error.code !== 'INVALID_ARGUMENT') return undefined;
  return unsignable(BAD_REQUEST, `this one cannot be signed: ${error.message}`);
}

function unsignable(status: number, why: string): Unsignable {
  const text = `this service asks for signed requests, and ${why}`;
  const answer = { status, headers: [['content-type', 'text/plain'] as const], body: Buffer.from(text) };
  return { error: new RampartError('INVALID_ARGUMENT', text), answer };
}
