import type { OutputStream } from '../io.ts';

/** Colours text for a terminal, or leaves it alone. */
export interface Palette {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

const ESCAPE = '\u001b[';

function sgr(open: number, close: number): (text: string) => string {
  return (text) => `${ESCAPE}${open}m${text}${ESCAPE}${close}m`;
}

function same(text: string): string {
  return text;
}

const COLOURED: Palette = { good: sgr(32, 39), bad: sgr(31, 39), warn: sgr(33, 39), dim: sgr(2, 22), bold: sgr(1, 22) };
const PLAIN: Palette = { good: same, bad: same, warn: same, dim: same, bold: same };

/** The palette for output that is coloured or not. */
export function paletteOf(colour: boolean): Palette {
  return colour ? COLOURED : PLAIN;
}

/** Colour only where a person looks, never when NO_COLOR is set to anything (no-color.org) or the terminal is "dumb". */
export function wantsColour(stream: OutputStream, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  return stream.isTerminal && env['TERM'] !== 'dumb';
}
