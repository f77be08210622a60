// C0, C1, DEL, and the characters that reorder or hide text (bidi controls, zero-width, line and paragraph separators).
// oxlint-disable-next-line no-control-regex -- these are exactly the characters that must never reach a terminal
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Makes text from the wire safe for a terminal: control and direction characters become \xNN or \u{NNNN}. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}

/** Number of characters a person counts (code points; the mesh's own names are ASCII). */
export function textWidth(text: string): number {
  return [...text].length;
}

/** At most `width` characters, the last one "…" when something was cut. */
export function truncate(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return width <= 1 ? '…'.slice(0, Math.max(0, width)) : `${characters.slice(0, width - 1).join('')}…`;
}

/** Pads with spaces on the right to `width` characters; longer text stays whole. */
export function padRight(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

/** Pads with spaces on the left to `width` characters; longer text stays whole. */
export function padLeft(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}
