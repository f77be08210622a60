import { excerpt, printable } from '../../printable.ts';

/** A word of HCL (HCL Native Syntax Specification, "Lexical Elements"). */
export type HclToken =
  | { readonly kind: 'identifier'; readonly text: string; readonly offset: number }
  | { readonly kind: 'string'; readonly text: string; readonly offset: number }
  | { readonly kind: 'number'; readonly value: number; readonly offset: number }
  /** `mark` is "\n" at the end of a line, "" at the end of the text. */
  | { readonly kind: 'mark'; readonly mark: HclMark; readonly offset: number };

export type HclMark = '{' | '}' | '[' | ']' | '=' | ',' | ':' | '\n' | '';

/** What is wrong with a text of HCL, and where. */
export class HclError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const BLANK = /[ \t]*/y;
const LINE_END = /\r?\n/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y;
const IDENTIFIER = /[\p{ID_Start}_][\p{ID_Continue}_-]*/uy;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\p{ID_Continue}_])/uy;
const MARKS = '{}[]=,:';
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };
const UNICODE = /u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})/y;
const LAST_CODE_POINT = 0x10_ff_ff;

/** Cuts a text into words, one at a time, so that whoever reads can stop. */
export class HclLexer {
  readonly #text: string;
  #at: number;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.startsWith('\uFEFF') ? 1 : 0;
  }

  /** @throws HclError */
  next(): HclToken {
    this.#skip();
    const offset = this.#at;
    if (offset >= this.#text.length) return { kind: 'mark', mark: '', offset };
    if (this.#take(LINE_END) !== undefined) return { kind: 'mark', mark: '\n', offset };
    const character = this.#text.charAt(offset);
    if (character === '"') return { kind: 'string', text: this.#string(), offset };
    if (MARKS.includes(character)) {
      this.#at += 1;
      return { kind: 'mark', mark: character as HclMark, offset };
    }
    const number = this.#take(NUMBER);
    if (number !== undefined) return { kind: 'number', value: Number(number), offset };
    const identifier = this.#take(IDENTIFIER);
    if (identifier !== undefined) return { kind: 'identifier', text: identifier, offset };
    throw new HclError(unexpected(this.#text, offset), offset);
  }

  #skip(): void {
    for (;;) {
      this.#take(BLANK);
      if (this.#text.startsWith('/*', this.#at)) {
        const end = this.#text.indexOf('*/', this.#at + 2);
        if (end === -1) throw new HclError('this comment is never closed: add "*/"', this.#at);
        this.#at = end + 2;
      } else if (this.#take(LINE_COMMENT) === undefined) return;
    }
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #string(): string {
    const start = this.#at;
    let text = '';
    for (this.#at += 1; ; this.#at += 1) {
      const character = this.#text.charAt(this.#at);
      if (character === '' || character === '\n' || character === '\r') {
        throw new HclError("this string is never closed: add '\"' at its end", start);
      }
      if (character === '"') break;
      if (character === '\\') text += this.#escape();
      else if ((character === '$' || character === '%') && this.#text.startsWith('{', this.#at + 1)) {
        text += this.#template(character, text);
      } else text += character;
    }
    this.#at += 1;
    return text;
  }

  /** `$${` is `${` itself; `${` alone would be a template, and nothing is evaluated here. */
  #template(sign: string, before: string): string {
    if (!before.endsWith(sign)) {
      throw new HclError(`"${sign}{" begins a template, which is not evaluated here: write the value out`, this.#at);
    }
    this.#at += 1;
    return '{';
  }

  #escape(): string {
    const at = this.#at;
    this.#at += 1;
    const plain = ESCAPES[this.#text.charAt(this.#at)];
    if (plain !== undefined) return plain;
    UNICODE.lastIndex = this.#at;
    const found = UNICODE.exec(this.#text);
    const code = found === null ? Number.NaN : Number.parseInt(found[1] ?? found[2] ?? '', 16);
    if (found === null || code > LAST_CODE_POINT) {
      throw new HclError('after "\\" only n, r, t, \'"\', "\\", uXXXX and UXXXXXXXX have a meaning', at);
    }
    this.#at += found[0].length - 1;
    return String.fromCodePoint(code);
  }
}

function unexpected(text: string, offset: number): string {
  if (text.startsWith('<<', offset)) return 'texts over several lines ("<<") have no use here: write it in quotes';
  if (text.charAt(offset) === "'") return 'unexpected "\'": strings stand in double quotes';
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  return `unexpected ${excerpt(character)}: expressions are not evaluated here`;
}

/** A token in the words of a message. */
export function describeToken(token: HclToken): string {
  if (token.kind === 'number') return `the number ${token.value}`;
  if (token.kind === 'mark')
    return token.mark === '' ? 'the end' : token.mark === '\n' ? 'the end of the line' : `"${token.mark}"`;
  return token.kind === 'string' ? `the string ${excerpt(token.text)}` : `"${printable(token.text.slice(0, 64))}"`;
}
