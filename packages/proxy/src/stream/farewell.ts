import type { Clock } from '@rampart/core';

import type { ByteStream } from './byte-stream.ts';

/** How long the other side may take to read what it is told last, in milliseconds. */
const FAREWELL_MS = 1000;

/** Says a last word and ends the stream: what still comes is dropped, so that a reset does not overtake the word. */
export function farewell(stream: ByteStream, word: Uint8Array | string, clock: Clock): void {
  const timer = clock.after(FAREWELL_MS, () => stream.reset());
  stream.receive({
    data: () => {},
    end: () => {},
    drain: () => {},
    close: () => timer.cancel(),
  });
  stream.write(typeof word === 'string' ? Buffer.from(word) : word);
  stream.end();
  stream.resume();
}
