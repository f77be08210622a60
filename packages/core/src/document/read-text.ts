import { LineCounter } from 'yaml';
import { composeDocuments } from './compose.ts';
import { JsonDocument } from './json-document.ts';
import { utf8Length, type DocumentLimits } from './limits.ts';
import type { ProblemList, TextPosition } from './problem-list.ts';
import { noteMisleadingCharacters } from './raw-text.ts';
import type { SourceDocument } from './source-document.ts';

/** A text as the JSON it stands for. */
export interface ReadText {
  /** Those with a mistake are among them, without value. */
  readonly documents: readonly SourceDocument[];
  readonly position: (offset: number) => TextPosition;
}

const START: TextPosition = { line: 1, column: 1 };
const NOTHING: ReadText = { documents: [], position: () => START };

/** Whether a text is worth reading at all, in whatever language; why not is noted. */
export function isReadable(text: string, problems: ProblemList, limits: DocumentLimits): boolean {
  if (utf8Length(text) > limits.bytes) {
    const message = `must be at most ${limits.bytes} bytes: split it into parts`;
    problems.add(START, { code: 'DOCUMENT_TOO_LARGE', message });
    return false;
  }
  noteMisleadingCharacters(text, problems);
  return problems.errors === 0;
}

/** Reads untrusted YAML (or JSON, which is YAML) within limits; what has no meaning as JSON is noted. */
export function readText(text: string, problems: ProblemList, limits: DocumentLimits): ReadText {
  if (!isReadable(text, problems, limits)) return NOTHING;
  const lines = new LineCounter();
  const position = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const { depth, tokens, documents: most, problems: mistakes } = limits;
  const { documents, stopped } = composeDocuments(text, { lines, depth, tokens, most, mistakes });
  if (stopped !== undefined) {
    const { offset, ...note } = stopped;
    problems.add(position(offset), note);
  }
  const budget = { nodes: limits.nodes };
  return { documents: documents.map((one) => convert(one, { depth, budget, problems: mistakes })), position };

  function convert(...parts: ConstructorParameters<typeof JsonDocument>): JsonDocument {
    const json = new JsonDocument(...parts);
    for (const { offset, ...note } of json.problems) problems.add(position(offset), note);
    problems.addUnlisted(json.unlisted);
    return json;
  }
}
