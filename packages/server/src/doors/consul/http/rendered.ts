import type { Item } from '../filter/filter.ts';

/** JSON that is written already, as it is sent; where it is looked into, it is read again. */
export class Rendered {
  /** UTF-8. */
  readonly bytes: Buffer;

  constructor(item: Item) {
    this.bytes = Buffer.from(JSON.stringify(item), 'utf8');
  }

  toJSON(): unknown {
    return JSON.parse(this.bytes.toString('utf8'));
  }
}

/** As it goes over the wire. */
export function contentOf(json: Item | Rendered): string | Buffer {
  return json instanceof Rendered ? json.bytes : JSON.stringify(json);
}
