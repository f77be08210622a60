/** A part of a text that can be read by itself. */
export interface TextPiece {
  readonly text: string;
  /** Lines of the whole text before it. */
  readonly linesBefore: number;
}

/** Small enough to be read without much memory, large enough that few are needed. */
const PIECE_CHARACTERS = 256 * 1024;
// A line that begins with "---" begins a document wherever it stands (YAML 1.2.2 §9.1.2).
const DOCUMENT_START = /^---(?=\s|$)/gm;
const DIRECTIVE = /^%/m;

/** A large text of YAML documents in pieces of whole documents; a small one, and one with directives, as it is. */
export function piecesOf(text: string): readonly TextPiece[] {
  if (text.length <= PIECE_CHARACTERS || DIRECTIVE.test(text)) return [{ text, linesBefore: 0 }];
  const pieces: TextPiece[] = [];
  let [from, linesBefore] = [0, 0];
  const cut = (to: number): void => {
    const piece = text.slice(from, to);
    pieces.push({ text: piece, linesBefore });
    linesBefore += piece.split('\n').length - 1;
    from = to;
  };
  for (const { index } of text.matchAll(DOCUMENT_START)) if (index - from >= PIECE_CHARACTERS) cut(index);
  cut(text.length);
  return pieces;
}
