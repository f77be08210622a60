import type { HeadText } from './head-text.ts';

/** Numbers that a header takes among the spans: start and end of its name, then of its value. */
const SPAN = 4;
/** By their lengths. */
const NEVER_FORWARDED: Readonly<Partial<Record<number, string>>> = {
  2: 'te',
  16: 'proxy-connection',
  17: 'transfer-encoding',
  19: 'proxy-authorization',
};
const LINE_END = '\r\n';
const LOWER_CASE = 0x20;

/**
 * The header lines of one message as llhttp has accepted them, in one text. Nothing is cut out of it before it is asked
 * for: most of what a proxy carries it only passes on.
 */
export class ReceivedFields {
  /** From the first byte of the message, or before, to the end of the last line, without what ends it. */
  readonly #text: string;
  readonly #spans: readonly number[];

  constructor(text: string, spans: readonly number[]) {
    this.#text = text;
    this.#spans = spans;
  }

  /** Names and values in turn. */
  pairs(): string[] {
    const pairs: string[] = [];
    for (let at = 0; at < this.#spans.length; at += SPAN) pairs.push(this.#slice(at), this.valueAt(at));
    return pairs;
  }

  /** The place of the first header of that name, of small letters, digits and "-", at `from` or behind it; -1 where there is none. */
  find(name: string, from = 0): number {
    const spans = this.#spans;
    for (let at = from; at < spans.length; at += SPAN) {
      if ((spans[at + 1] ?? 0) - (spans[at] ?? 0) === name.length && this.#isNamed(at, name)) return at;
    }
    return -1;
  }

  /** Whether a header has that name, or the same with "_" in place of some "-". */
  hasSpelling(name: string): boolean {
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) {
      const length = (spans[at + 1] ?? 0) - (spans[at] ?? 0);
      if (length === name.length && this.#slice(at).toLowerCase().replaceAll('_', '-') === name) return true;
    }
    return false;
  }

  /** The same, behind a place. */
  findBehind(name: string, at: number): number {
    return this.find(name, at + SPAN);
  }

  valueAt(at: number): string {
    return trimmed(this.#slice(at + 2));
  }

  /**
   * The lines that go on to the next hop, but for those named `dropped` (RFC 9110 §7.6.1); undefined where Connection
   * names headers of its own, which takes a closer look.
   */
  forwarded(how: HeadText, dropped: string): string | undefined {
    const spans = this.#spans;
    if (spans.length === 0) return '';
    let lines = '';
    let from = spans[0] ?? 0;
    for (let at = 0; at < spans.length; at += SPAN) {
      const kind = this.#kindOf(at, how, dropped);
      if (kind === 'forwarded') continue;
      if (kind === 'unclear') return undefined;
      const start = spans[at] ?? 0;
      if (start > from) lines += this.#text.slice(from, start);
      from = spans[at + SPAN] ?? this.#text.length;
    }
    return from === this.#text.length ? lines : `${lines}${this.#text.slice(from)}${LINE_END}`;
  }

  /** Whether all lines go on to the next hop, as they came. */
  goesOnWhole(how: HeadText): boolean {
    for (let at = 0; at < this.#spans.length; at += SPAN) if (this.#kindOf(at, how, '') !== 'forwarded') return false;
    return true;
  }

  /** Characters ahead of the first line; undefined where there is none. */
  get start(): number | undefined {
    return this.#spans[0];
  }

  /** Most names need no second look: their lengths tell. */
  #kindOf(at: number, { framing, isUpgrade }: HeadText, dropped: string): 'forwarded' | 'dropped' | 'unclear' {
    const length = (this.#spans[at + 1] ?? 0) - (this.#spans[at] ?? 0);
    if (length === dropped.length && this.#isNamed(at, dropped)) return 'dropped';
    switch (length) {
      case 7:
        return isUpgrade ? 'forwarded' : this.#dropIf(at, 'upgrade');
      case 10:
        if (this.#isNamed(at, 'connection')) return isUsual(this.valueAt(at)) ? 'dropped' : 'unclear';
        return this.#dropIf(at, 'keep-alive');
      case 14:
        return framing === 'chunked' ? this.#dropIf(at, 'content-length') : 'forwarded';
      default:
        return this.#dropIf(at, NEVER_FORWARDED[length]);
    }
  }

  #dropIf(at: number, name: string | undefined): 'forwarded' | 'dropped' {
    return name !== undefined && this.#isNamed(at, name) ? 'dropped' : 'forwarded';
  }

  /** Of equal length. No other character of a name than a letter becomes one by the bit that makes letters small. */
  #isNamed(at: number, name: string): boolean {
    const text = this.#text;
    const start = this.#spans[at] ?? 0;
    for (let index = 0; index < name.length; index += 1) {
      if ((text.charCodeAt(start + index) | LOWER_CASE) !== name.charCodeAt(index)) return false;
    }
    return true;
  }

  #slice(at: number): string {
    return this.#text.slice(this.#spans[at], this.#spans[at + 1]);
  }
}

const SPACE = 0x20;
const TAB = 0x09;

function trimmed(value: string): string {
  const last = value.charCodeAt(value.length - 1);
  return last === SPACE || last === TAB ? value.trimEnd() : value;
}

function isUsual(connection: string): boolean {
  return connection === 'keep-alive' || connection === 'close' || connection === 'Keep-Alive' || connection === 'Close';
}
