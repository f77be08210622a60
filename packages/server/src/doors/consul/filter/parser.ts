import { fail, ok, type Result } from '@rampart/core';
import type { Expression, Selector } from './expression.ts';
import { type Token, tokensOf } from './tokens.ts';

const LONGEST = 4096;
const DEEPEST = 32;

/** Thrown within this file alone. */
class FilterProblem extends Error {}

/** Reads a filter (go-bexpr); the problem says what is wrong and where. */
export function parseFilter(text: string): Result<Expression, string> {
  if (text.length > LONGEST) return fail(`a filter has at most ${LONGEST} characters`);
  const tokens = tokensOf(text);
  if (!tokens.ok) return tokens;
  try {
    return ok(new FilterParser(tokens.value).whole());
  } catch (error) {
    if (error instanceof FilterProblem) return fail(error.message);
    throw error;
  }
}

/**
 *     or      := and ('or' and)*
 *     and     := not ('and' not)*
 *     not     := 'not' not | '(' or ')' | ('any'|'all') selector 'as' name '{' or '}' | match
 *     match   := value ['not'] 'in' selector
 *              | selector ('==' | '!=') value | selector ['not'] 'contains' value | selector 'is' ['not'] 'empty'
 */
class FilterParser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const expression = this.#or();
    const rest = this.#peek();
    if (rest.kind !== 'end') throw unexpected(rest, '"and", "or" or the end');
    return expression;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#takeWord('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#takeWord('and')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new FilterProblem(`a filter is nested at most ${DEEPEST} deep`);
    const expression = this.#term();
    this.#depth -= 1;
    return expression;
  }

  #term(): Expression {
    if (this.#takeWord('not')) return { kind: 'not', of: this.#not() };
    if (this.#takeSign('(')) {
      const inner = this.#or();
      this.#expectSign(')');
      return inner;
    }
    const quantifier = this.#peek();
    const follows = this.#tokens[this.#next + 1];
    if (
      quantifier.kind === 'word' &&
      (quantifier.text === 'any' || quantifier.text === 'all') &&
      follows?.kind === 'word'
    ) {
      this.#next += 1;
      return this.#quantified(quantifier.text);
    }
    return this.#match();
  }

  #quantified(kind: 'any' | 'all'): Expression {
    const selector = this.#selector();
    this.#expectWord('as');
    const name = this.#take();
    if (name.kind !== 'word') throw unexpected(name, 'a name');
    this.#expectSign('{');
    const body = this.#or();
    this.#expectSign('}');
    return { kind, selector, name: name.text, body };
  }

  #match(): Expression {
    if (this.#beginsWithValue()) {
      const value = this.#value();
      const negated = this.#takeWord('not');
      this.#expectWord('in');
      return negatedIf(negated, { kind: 'compare', comparison: 'contains', selector: this.#selector(), value });
    }
    const selector = this.#selector();
    if (this.#takeSign('==')) return { kind: 'compare', comparison: 'equal', selector, value: this.#value() };
    if (this.#takeSign('!=')) {
      return { kind: 'not', of: { kind: 'compare', comparison: 'equal', selector, value: this.#value() } };
    }
    if (this.#takeWord('is')) {
      const negated = this.#takeWord('not');
      this.#expectWord('empty');
      return negatedIf(negated, { kind: 'compare', comparison: 'empty', selector, value: '' });
    }
    const negated = this.#takeWord('not');
    const operator = this.#take();
    if (operator.kind === 'word' && operator.text === 'matches') {
      throw new FilterProblem('"matches" is not supported here: a regular expression of a stranger can stop a server');
    }
    if (operator.kind !== 'word' || operator.text !== 'contains') {
      throw unexpected(operator, '"==", "!=", "contains", "is empty" or "in"');
    }
    return negatedIf(negated, { kind: 'compare', comparison: 'contains', selector, value: this.#value() });
  }

  /** A value stands first where `in` comes next. */
  #beginsWithValue(): boolean {
    const first = this.#peek();
    if (first.kind !== 'string' && first.kind !== 'word') return false;
    const [second, third] = [this.#tokens[this.#next + 1], this.#tokens[this.#next + 2]];
    if (isWord(second, 'in')) return true;
    return isWord(second, 'not') && isWord(third, 'in');
  }

  #selector(): Selector {
    const first = this.#take();
    if (first.kind === 'string' && first.text.startsWith('/')) return pointer(first.text);
    if (first.kind !== 'word') throw unexpected(first, 'a selector');
    const names = [first.text];
    for (;;) {
      if (this.#takeSign('.')) {
        const name = this.#take();
        if (name.kind !== 'word') throw unexpected(name, 'a name');
        names.push(name.text);
      } else if (this.#takeSign('[')) {
        const key = this.#take();
        if (key.kind !== 'string') throw unexpected(key, 'a key in quotes');
        names.push(key.text);
        this.#expectSign(']');
      } else return names;
    }
  }

  #value(): string {
    const token = this.#take();
    if (token.kind === 'string' || token.kind === 'word') return token.text;
    throw unexpected(token, 'a value');
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: 0 };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #takeWord(text: string): boolean {
    if (!isWord(this.#peek(), text)) return false;
    this.#next += 1;
    return true;
  }

  #takeSign(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'sign' || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #expectWord(text: string): void {
    if (!this.#takeWord(text)) throw unexpected(this.#peek(), JSON.stringify(text));
  }

  #expectSign(text: string): void {
    if (!this.#takeSign(text)) throw unexpected(this.#peek(), JSON.stringify(text));
  }
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text;
}

/** The other form of a selector: a JSON pointer (RFC 6901). */
function pointer(text: string): Selector {
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function negatedIf(negated: boolean, expression: Expression): Expression {
  return negated ? { kind: 'not', of: expression } : expression;
}

function unexpected(token: Token, instead: string): FilterProblem {
  const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.text);
  return new FilterProblem(`expected ${instead} at character ${token.at + 1}, found ${found}`);
}
