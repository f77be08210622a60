// Control characters, and those that reorder or hide text (bidi controls, zero-width, line and paragraph separators).
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu;

/** Makes text from the wire safe for a terminal: control and direction characters become \xNN or \u{NNNN}. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}

/** Number of characters a person counts (code points; the mesh's own names are ASCII). */
export function textWidth(text: string): number {
  return Array.from(text).length;
}

/** At most `width` characters, the last one "…" when something was cut. */
export function truncate(text: string, width: number): string {
  const characters = Array.from(text);
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
