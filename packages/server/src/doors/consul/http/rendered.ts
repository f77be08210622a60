import type { Item } from '../filter/filter.ts';

/** JSON that is written already; where it is looked into, it is read again. */
export class Rendered {
  readonly text: string;
  #bytes: Buffer | undefined;

  constructor(item: Item) {
    this.text = JSON.stringify(item);
  }

  /** UTF-8; made once, because text is encoded anew each time that it is sent. */
  get bytes(): Buffer {
    return (this.#bytes ??= Buffer.from(this.text, 'utf8'));
  }

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/** As it goes over the wire. */
export function textOf(json: Item | Rendered): string {
  return json instanceof Rendered ? json.text : JSON.stringify(json);
}
