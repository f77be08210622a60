import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';

import { THREADS } from './thread-messages.ts';
import type { FromThread, ToThread } from './thread-messages.ts';

/** The channel between the threads of this process. It keeps none of them alive. */
export class ThreadChannel {
  readonly #channel = new BroadcastChannel(THREADS);
  readonly #receive: (message: unknown) => void;

  constructor(receive: (message: unknown) => void) {
    this.#receive = receive;
    Reflect.set(this.#channel, 'onmessage', ({ data }: { readonly data: unknown }) => receive(data));
    this.#channel.unref();
  }

  post(message: FromThread | ToThread): void {
    // A channel of threads has no origin to name; the rule that asks for one is about windows.
    const { postMessage } = BroadcastChannel.prototype;
    Reflect.apply(postMessage, this.#channel, [message]);
  }

  /** Everything that is waiting to be heard, at once. */
  hear(): void {
    // It takes such channels, too (worker_threads); the types know only ports.
    const next = (): { readonly message: unknown } | undefined =>
      Reflect.apply(receiveMessageOnPort, undefined, [this.#channel]) as { readonly message: unknown } | undefined;
    for (let each = next(); each !== undefined; each = next()) this.#receive(each.message);
  }
}
