const MAX_EXCERPT = 64;
const HEX_DIGITS = 4;
/** Controls, format characters (bidirectional ones, zero-width ones), lone halves of pairs, line and paragraph separators. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const EVERY_INVISIBLE = new RegExp(INVISIBLE, 'gu');

/** The first character of a text that cannot be seen or changes how others are seen, as "U+202E"; undefined without any. */
export function invisibleCharacter(text: string): string | undefined {
  const [found] = INVISIBLE.exec(text) ?? [];
  return found === undefined ? undefined : codePoint(found);
}

/** "U+202E". */
function codePoint(character: string): string {
  return `U+${hex(character.codePointAt(0) ?? 0).toUpperCase()}`;
}

/** A text with nothing in it that a terminal obeys or that makes it look other than it is. */
export function printable(text: string): string {
  return text.replace(EVERY_INVISIBLE, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${hex(character.charCodeAt(index))}`).join(''),
  );
}

/** A text of a document in quotes, short and printable: fit for a message. */
export function excerpt(text: string): string {
  return printable(JSON.stringify(text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT)}…` : text));
}

function hex(code: number): string {
  return code.toString(16).padStart(HEX_DIGITS, '0');
}
