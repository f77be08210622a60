/** Counts what happened within the last period, in slices of a twelfth of it. */
export class Window {
  readonly #sliceMs: number;
  readonly #slices: number[] = Array.from({ length: SLICES }, () => 0);
  #newest = 0;

  constructor(periodMs: number) {
    this.#sliceMs = periodMs / SLICES;
  }

  /** Counts one now; gives how many there were in the period, this one included. */
  add(now: number): number {
    this.#moveTo(now);
    const at = this.#newest % SLICES;
    this.#slices[at] = (this.#slices[at] ?? 0) + 1;
    let sum = 0;
    for (const count of this.#slices) sum += count;
    return sum;
  }

  #moveTo(now: number): void {
    const slice = Math.max(this.#newest, Math.floor(now / this.#sliceMs));
    const passed = Math.min(SLICES, slice - this.#newest);
    for (let step = 1; step <= passed; step += 1) this.#slices[(slice - passed + step) % SLICES] = 0;
    this.#newest = slice;
  }
}

const SLICES = 12;
