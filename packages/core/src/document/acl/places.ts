import { formatFieldPath, type FieldPath, type FieldProblem } from '../../resource/problem.ts';

/** Where in a text the values of a document come from that the text holds in another form. */
export class Places {
  readonly #offsets = new Map<string, { readonly key: number; readonly value: number }>();

  set(path: FieldPath, key: number, value: number = key): void {
    this.#offsets.set(formatFieldPath(path), { key, value });
  }

  /** Of the nearest parent that has a place; 0 without any. */
  offsetOf(path: FieldPath, at: FieldProblem['at']): number {
    for (let length = path.length; length > 0; length -= 1) {
      const place = this.#offsets.get(formatFieldPath(path.slice(0, length)));
      if (place !== undefined) return length === path.length ? place[at] : place.value;
    }
    return 0;
  }
}
