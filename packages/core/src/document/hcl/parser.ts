import { excerpt } from '../../printable.ts';
import { describeToken, HclError, HclLexer, type HclMark, type HclToken } from './tokens.ts';

/** What stands between the braces of a block, or in a whole text. */
export interface HclBody {
  readonly attributes: ReadonlyMap<string, HclAttribute>;
  readonly blocks: readonly HclBlock[];
}

/** `policy = "read"` */
export interface HclAttribute {
  readonly value: unknown;
  /** Of the name, in UTF-16 units. */
  readonly offset: number;
  readonly valueOffset: number;
}

/** `service "payment" { … }` */
export interface HclBlock {
  readonly type: string;
  readonly labels: readonly HclLabel[];
  readonly body: HclBody;
  readonly offset: number;
}

export interface HclLabel {
  readonly text: string;
  readonly offset: number;
}

export interface HclLimits {
  /** Nesting of blocks, lists and objects. */
  readonly depth: number;
  readonly tokens: number;
}

const CONSTANTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/**
 * Reads the structure of HCL (HCL Native Syntax Specification): attributes and blocks, with values that are written out.
 * Expressions, templates and heredocs are refused by name, because nothing here would evaluate them.
 *
 * @throws HclError for the first thing that cannot be read.
 */
export function parseHcl(text: string, limits: HclLimits): HclBody {
  return new HclParser(text, limits).all();
}

class HclParser {
  readonly #lexer: HclLexer;
  readonly #limits: HclLimits;
  #token: HclToken;
  #read = 0;

  constructor(text: string, limits: HclLimits) {
    this.#lexer = new HclLexer(text);
    this.#limits = limits;
    this.#token = this.#lexer.next();
  }

  all(): HclBody {
    return this.#body('', 0);
  }

  #body(end: '' | '}', depth: number): HclBody {
    this.#checkDepth(depth);
    const attributes = new Map<string, HclAttribute>();
    const blocks: HclBlock[] = [];
    for (;;) {
      this.#skipLines();
      if (this.#is(end)) return { attributes, blocks };
      const name = this.#name(end);
      if (this.#is('=')) {
        if (attributes.has(name.text)) throw new HclError(`${name.text} is given twice: keep one`, name.offset);
        attributes.set(name.text, this.#attribute(name.offset, depth));
      } else blocks.push(this.#block(name, depth));
      this.#endOfItem(end);
    }
  }

  #name(end: '' | '}'): { readonly text: string; readonly offset: number } {
    const token = this.#token;
    if (token.kind === 'identifier') {
      this.#advance();
      return token;
    }
    if (end === '}' && isMark(token, '')) throw new HclError('a block is never closed: add "}"', token.offset);
    throw new HclError(`expected the name of an attribute or block, found ${describeToken(token)}`, token.offset);
  }

  #attribute(offset: number, depth: number): HclAttribute {
    this.#advance();
    const valueOffset = this.#token.offset;
    return { value: this.#value(depth), offset, valueOffset };
  }

  #block(name: { readonly text: string; readonly offset: number }, depth: number): HclBlock {
    const labels: HclLabel[] = [];
    for (let token = this.#token; token.kind === 'string' || token.kind === 'identifier'; token = this.#token) {
      labels.push({ text: token.text, offset: token.offset });
      this.#advance();
    }
    if (!this.#is('{')) {
      const found = describeToken(this.#token);
      const what = labels.length === 0 ? '"=", a label or "{"' : '"{"';
      throw new HclError(`expected ${what} after ${excerpt(name.text)}, found ${found}`, this.#token.offset);
    }
    this.#advance();
    const body = this.#body('}', depth + 1);
    this.#advance();
    return { type: name.text, labels, body, offset: name.offset };
  }

  /** Items end with their line, or with the block. */
  #endOfItem(end: '' | '}'): void {
    if (this.#is('\n') || this.#is(end)) return;
    if (this.#is('')) return;
    throw new HclError(`expected the end of the line, found ${describeToken(this.#token)}`, this.#token.offset);
  }

  #value(depth: number): unknown {
    const token = this.#token;
    if (token.kind === 'string' || token.kind === 'number') {
      const value = token.kind === 'number' ? token.value : token.text;
      this.#advance();
      return value;
    }
    if (token.kind === 'identifier') {
      if (!CONSTANTS.has(token.text)) {
        const message = `${excerpt(token.text)} is no value: write text in double quotes; nothing is evaluated here`;
        throw new HclError(message, token.offset);
      }
      this.#advance();
      return CONSTANTS.get(token.text);
    }
    if (isMark(token, '[')) return this.#list(depth + 1);
    if (isMark(token, '{')) return this.#object(depth + 1);
    throw new HclError(`expected a value, found ${describeToken(token)}`, token.offset);
  }

  #list(depth: number): unknown[] {
    this.#checkDepth(depth);
    this.#advance();
    const items: unknown[] = [];
    for (;;) {
      this.#skipLines();
      if (this.#is(']')) break;
      items.push(this.#value(depth));
      this.#skipLines();
      if (this.#is(',')) this.#advance();
      else if (!this.#is(']'))
        throw new HclError(`expected "," or "]", found ${describeToken(this.#token)}`, this.#token.offset);
    }
    this.#advance();
    return items;
  }

  #object(depth: number): Record<string, unknown> {
    this.#checkDepth(depth);
    this.#advance();
    const entries = new Map<string, unknown>();
    for (;;) {
      this.#skipLines();
      if (this.#is('}')) break;
      const key = this.#token;
      if (key.kind !== 'string' && key.kind !== 'identifier') {
        throw new HclError(`expected the name of a field, found ${describeToken(key)}`, key.offset);
      }
      if (entries.has(key.text)) throw new HclError(`${excerpt(key.text)} is given twice: keep one`, key.offset);
      this.#advance();
      if (!this.#is('=') && !this.#is(':')) {
        throw new HclError(`expected "=" or ":", found ${describeToken(this.#token)}`, this.#token.offset);
      }
      this.#advance();
      entries.set(key.text, this.#value(depth));
      if (this.#is(',')) this.#advance();
      else if (!this.#is('\n') && !this.#is('}')) {
        throw new HclError(`expected "," or "}", found ${describeToken(this.#token)}`, this.#token.offset);
      }
    }
    this.#advance();
    return Object.fromEntries(entries);
  }

  #skipLines(): void {
    while (this.#is('\n')) this.#advance();
  }

  #is(mark: HclMark): boolean {
    return isMark(this.#token, mark);
  }

  #advance(): void {
    this.#read += 1;
    if (this.#read > this.#limits.tokens) {
      throw new HclError(
        `holds more than ${this.#limits.tokens} words and marks: split it into parts`,
        this.#token.offset,
      );
    }
    this.#token = this.#lexer.next();
  }

  #checkDepth(depth: number): void {
    if (depth <= this.#limits.depth) return;
    throw new HclError(`is nested more than ${this.#limits.depth} levels deep`, this.#token.offset);
  }
}

function isMark(token: HclToken, mark: HclMark): boolean {
  return token.kind === 'mark' && token.mark === mark;
}
