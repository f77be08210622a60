const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const HEX = 16;
const MOST_SIZE = 2 ** 40;
/** Of a chunk's size with its extensions, and of all trailers together. */
const MOST_LINE_BYTES = 65_536;

type State =
  | 'size'
  | 'extension'
  | 'size-end'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'line'
  | 'field'
  | 'field-end'
  | 'last';

/** Finds where a body in chunks is over (RFC 9112 §7.1), looking at sizes only. */
export class ChunkedEnd {
  #state: State = 'size';
  #size = 0;
  #hasSize = false;
  #lineBytes = 0;
  isOver = false;
  readonly #data: ((part: Uint8Array) => void) | undefined;

  /** `data` is given what is in the chunks. */
  constructor(data?: (part: Uint8Array) => void) {
    this.#data = data;
  }

  /** How many of these bytes are the body's; fewer than there are, or `isOver`, at its end. Undefined where it is no such body. */
  take(bytes: Uint8Array): number | undefined {
    let at = 0;
    while (at < bytes.length && !this.isOver) {
      if (this.#state === 'data') {
        const step = Math.min(this.#size, bytes.length - at);
        this.#data?.(bytes.subarray(at, at + step));
        this.#size -= step;
        at += step;
        if (this.#size === 0) this.#state = 'data-cr';
        continue;
      }
      if (!this.#step(bytes[at] ?? 0)) return undefined;
      at += 1;
    }
    return at;
  }

  /** Takes a byte that is no data. */
  #step(byte: number): boolean {
    this.#lineBytes += 1;
    if (this.#lineBytes > MOST_LINE_BYTES) return false;
    switch (this.#state) {
      case 'size':
        return this.#sizeByte(byte);
      case 'extension':
      case 'field':
        if (byte === CR) this.#state = this.#state === 'field' ? 'field-end' : 'size-end';
        return byte !== LF;
      case 'line':
        this.#state = byte === CR ? 'last' : 'field';
        return byte !== LF;
      case 'data-cr':
        this.#state = 'data-lf';
        return byte === CR;
      case 'data-lf':
      case 'size-end':
      case 'field-end':
      case 'last':
        this.#lineEnded();
        return byte === LF;
      case 'data':
        return true;
    }
  }

  #lineEnded(): void {
    if (this.#state === 'size-end') this.#sized();
    else if (this.#state === 'data-lf') this.#begin();
    else if (this.#state === 'field-end') this.#state = 'line';
    else this.isOver = true;
  }

  #sizeByte(byte: number): boolean {
    const digit = digitOf(byte);
    if (digit !== undefined) {
      this.#size = this.#size * HEX + digit;
      this.#hasSize = true;
      return this.#size <= MOST_SIZE;
    }
    this.#state = byte === CR ? 'size-end' : 'extension';
    return this.#hasSize && (byte === CR || byte === SEMICOLON);
  }

  #sized(): void {
    this.#lineBytes = 0;
    this.#state = this.#size === 0 ? 'line' : 'data';
  }

  #begin(): void {
    this.#state = 'size';
    this.#size = 0;
    this.#hasSize = false;
    this.#lineBytes = 0;
  }
}

function digitOf(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : undefined;
}
