import type { Item } from '../filter/filter.ts';

/** JSON that is written already; where it is looked into, it is read again. */
export class Rendered {
  readonly text: string;

  constructor(item: Item) {
    this.text = JSON.stringify(item);
  }

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/** As it goes over the wire. */
export function textOf(json: Item | Rendered): string {
  return json instanceof Rendered ? json.text : JSON.stringify(json);
}
