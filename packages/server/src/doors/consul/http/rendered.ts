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
  const list = new RenderedPieces('[', ']');
  const add = (thing: T): void => {
    for (const item of itemsOf(thing)) list.add(JSON.stringify(item));
  };
  if (things.length > FEW) return inParts(things, add, { clock, list });
  for (const thing of things) add(thing);
  return list.end();
}

/**
 * An object of what is made of each thing, by keys: of several with one key the last one stands. Made in slices of the event loop, as
 * lists are.
 */
export async function renderedMap<T>(
  things: readonly T[],
  entriesOf: (thing: T) => readonly (readonly [key: string, item: Item])[],
  clock: Clock,
): Promise<Rendered> {
  const texts = new Map<string, string>();
  const slices = new TimeSlices(clock);
  await inSlices(things, slices, (thing) => {
    for (const [key, item] of entriesOf(thing)) texts.set(key, `${JSON.stringify(key)}:${JSON.stringify(item)}`);
  });
  const pieces = new RenderedPieces('{', '}');
  await inSlices(texts.values(), slices, (text) => pieces.add(text));
  return pieces.end();
}

async function inParts<T>(
  things: readonly T[],
  add: (thing: T) => void,
  { clock, list }: { readonly clock: Clock; readonly list: RenderedPieces },
): Promise<Rendered> {
  await inSlices(things, new TimeSlices(clock), add);
  return list.end();
}

/** Texts that are put together now and then, so that there is not so much to do at the end. */
class RenderedPieces {
  readonly #parts: Buffer[] = [];
  readonly #close: string;
  #texts: string[] = [];
  #before: string;

  constructor(open: string, close: string) {
    this.#before = open;
    this.#close = close;
  }

  add(text: string): void {
    this.#texts.push(this.#before, text);
    this.#before = ',';
    if (this.#texts.length >= 2 * FEW) this.#join();
  }

  end(): Rendered {
    this.#texts.push(this.#before === ',' ? this.#close : this.#before + this.#close);
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
