import { Composer, Lexer, Parser, type Document, type LineCounter } from 'yaml';
import { readable, type TextProblem } from './json-document.ts';

export interface ComposeOptions {
  readonly lines: LineCounter;
  /** Nesting of lists and objects. */
  readonly depth: number;
  /** Lexical tokens in all documents together. */
  readonly tokens: number;
  /** Documents, empty ones too. */
  readonly most: number;
  /** Mistakes in the YAML that are still worth listing. */
  readonly mistakes: number;
}

export interface Composed {
  readonly documents: readonly Document.Parsed[];
  /** Why reading ended before the text did; nothing of it counts then. */
  readonly stopped: TextProblem | undefined;
}

/** Open constructs that the parser keeps for one level of nesting: a collection, and a key or a value in the making. */
const FRAMES_PER_LEVEL = 4;

/**
 * Every text is read as YAML 1.2, even one that says `%YAML 1.1`, where `yes` is a boolean. Tags outside its core have no
 * readers, because that of `!!omap` compares every key with every other; so would the library for duplicate keys, which,
 * like merge keys, are JsonDocument's to refuse.
 */
const COMPOSER_OPTIONS = {
  schema: 'core',
  resolveKnownTags: false,
  stringKeys: true,
  uniqueKeys: false,
  merge: false,
  logLevel: 'silent',
} as const;

/**
 * The documents of a text, read no further than it is worth: the library calls itself for each level, builds objects of
 * a kilobyte for tokens of a byte, and keeps every mistake as an error with its stack.
 */
export function composeDocuments(text: string, options: ComposeOptions): Composed {
  const { lines, depth, tokens, most } = options;
  const parser = new Parser(lines.addNewLine);
  const counted = new MistakeCount(options.mistakes);
  const composer = counted.watch(new Composer(COMPOSER_OPTIONS));
  const documents: Document.Parsed[] = [];
  const deepest = (depth + 1) * FRAMES_PER_LEVEL;
  let left = tokens;
  const stopped = (problem: TextProblem): Composed => ({ documents: [], stopped: problem });
  lines.addNewLine(0);
  try {
    for (const lexeme of new Lexer().lex(text)) {
      for (const token of parser.next(lexeme)) {
        if (token.type === 'error') counted.add(token.offset, token.message);
        documents.push(...composer.next(token));
      }
      left -= 1;
      const offset = parser.offset;
      if (parser.stack.length > deepest)
        return stopped({ code: 'INVALID_YAML', message: `is nested more than ${depth} levels deep`, offset });
      if (left < 0) {
        const message = `holds more than ${tokens} words and marks: split it into parts`;
        return stopped({ code: 'DOCUMENT_TOO_LARGE', message, offset });
      }
      if (documents.length > most) return stopped(tooManyDocuments(most, offset));
    }
    for (const token of parser.end()) documents.push(...composer.next(token));
    documents.push(...composer.end());
  } catch (error) {
    if (error !== counted.exceeded) throw error;
    return stopped(counted.summary());
  }
  return documents.length > most ? stopped(tooManyDocuments(most, parser.offset)) : { documents, stopped: undefined };
}

function tooManyDocuments(most: number, offset: number): TextProblem {
  return { code: 'DOCUMENT_TOO_LARGE', message: `holds more than ${most} documents: split it into parts`, offset };
}

/** Counts mistakes while a composer finds them, and ends its work when there are too many. */
class MistakeCount {
  /** What is thrown when there are too many. */
  readonly exceeded: Error = new Error('too many mistakes');
  readonly #limit: number;
  #count = 0;
  #first = { offset: 0, message: '' };

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws `exceeded` */
  add(offset: number, message: string): void {
    if (this.#count === 0) this.#first = { offset, message };
    this.#count += 1;
    if (this.#count > this.#limit) throw this.exceeded;
  }

  summary(): TextProblem {
    const { offset, message } = this.#first;
    return {
      code: 'INVALID_YAML',
      message: `${readable(message)}; with it there are more than ${this.#limit} mistakes: is this YAML?`,
      offset,
    };
  }

  /** The library has no other way to hear of a mistake before it has found all of them. */
  watch(composer: Composer): Composer {
    const report: unknown = Reflect.get(composer, 'onError');
    if (typeof report !== 'function') return composer;
    const onError = (...found: readonly unknown[]): void => {
      const [source, , message] = found;
      this.add(offsetOf(source), String(message));
      Reflect.apply(report, composer, found);
    };
    return Object.assign(composer, { onError });
  }
}

/** The library names places by offset, by range or by token. */
function offsetOf(source: unknown): number {
  const place: unknown = Array.isArray(source) ? source[0] : source;
  if (typeof place === 'number') return place;
  return typeof place === 'object' && place !== null && 'offset' in place && typeof place.offset === 'number'
    ? place.offset
    : 0;
}
