import type { OutgoingSignature, RequestToSign } from '@rampart/mesh';

import type { RequestBody } from './request-body.ts';

/** Of a request without content: an upgrade is none until it is answered. */
export const NO_BODY: Pick<RequestBody, 'whole'> = { whole: () => Promise.resolve(Buffer.alloc(0)) };

interface Waiting {
  ready(): void;
  /** Why it cannot be signed. */
  tooLarge(why: string): void;
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
      waiting.tooLarge(`a body of more than ${signature.maxBodyBytes} bytes cannot be signed`);
      return;
    }
    this.#sign = (message) => sign(message, body);
    waiting.ready();
  }
}
