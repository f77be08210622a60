import { Composer, Lexer, Parser, type Document, type LineCounter } from 'yaml';

export interface ComposeOptions {
  readonly lines: LineCounter;
  /** Nesting of lists and objects. */
  readonly depth: number;
}

export interface Composed {
  readonly documents: readonly Document.Parsed[];
  /** Where the text went deeper than allowed; nothing after it was read. */
  readonly tooDeepAt: number | undefined;
}

/** Open constructs that the parser keeps for one level of nesting: a collection, and a key or a value in the making. */
const FRAMES_PER_LEVEL = 4;

/** The documents of a text, read no deeper than allowed: the library calls itself for each level, and a stack has an end. */
export function composeDocuments(text: string, { lines, depth }: ComposeOptions): Composed {
  const parser = new Parser(lines.addNewLine);
  // Duplicate and merge keys are JsonDocument's to refuse: the library compares every key with every other.
  const composer = new Composer({ stringKeys: true, uniqueKeys: false, merge: false, logLevel: 'silent' });
  const documents: Document.Parsed[] = [];
  const deepest = (depth + 1) * FRAMES_PER_LEVEL;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) documents.push(...composer.next(token));
    if (parser.stack.length > deepest) return { documents: [], tooDeepAt: parser.offset };
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end());
  return { documents, tooDeepAt: undefined };
}
