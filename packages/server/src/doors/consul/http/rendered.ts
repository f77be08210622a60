import type { Clock } from '@rampart/core';
import { inSlices, TimeSlices } from '../../../time-slices.ts';
import type { Item } from '../filter/filter.ts';

/** JSON that is written already, as it is sent; where it is looked into, it is read again. */
export class Rendered {
  /** UTF-8. */
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  toJSON(): unknown {
    return JSON.parse(this.bytes.toString('utf8'));
  }
}

/** Rendered at once: others can wait for so many. */
const FEW = 64;

/**
 * A list of what is made of each thing. Of many things it is made in slices of the event loop: some ten thousand instances would
 * keep everybody else waiting for a tenth of a second.
 */
export function renderedList<T>(
  things: readonly T[],
  itemsOf: (thing: T) => readonly Item[],
  clock: Clock,
): Rendered | Promise<Rendered> {
  const list = new RenderedList();
  if (things.length > FEW) return inParts(things, (thing) => list.add(itemsOf(thing)), { clock, list });
  for (const thing of things) list.add(itemsOf(thing));
  return list.end();
}

async function inParts<T>(
  things: readonly T[],
  add: (thing: T) => void,
  { clock, list }: { readonly clock: Clock; readonly list: RenderedList },
): Promise<Rendered> {
  await inSlices(things, new TimeSlices(clock), add);
  return list.end();
}

/** Texts that are put together now and then, so that there is not so much to do at the end. */
class RenderedList {
  readonly #parts: Buffer[] = [];
  #texts: string[] = [];
  #isEmpty = true;

  add(items: readonly Item[]): void {
    for (const item of items) {
      this.#texts.push(`${this.#isEmpty ? '[' : ','}${JSON.stringify(item)}`);
      this.#isEmpty = false;
    }
    if (this.#texts.length >= FEW) this.#join();
  }

  end(): Rendered {
    this.#texts.push(this.#isEmpty ? '[]' : ']');
    this.#join();
    const [only = Buffer.alloc(0), ...others] = this.#parts;
    return new Rendered(others.length === 0 ? only : Buffer.concat(this.#parts));
  }

  #join(): void {
    this.#parts.push(Buffer.from(this.#texts.join(''), 'utf8'));
    this.#texts = [];
  }
}

/** As it goes over the wire. */
export function contentOf(json: Item | Rendered): string | Buffer {
  return json instanceof Rendered ? json.bytes : JSON.stringify(json);
}
