/** One reader of input from outside, and what must hold whatever it is given. */
export interface FuzzTarget {
  readonly name: string;
  readonly form: 'bytes' | 'text' | 'json';
  /** Inputs to begin with, most of them sound. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** Pieces that mean something in this form. */
  readonly words: readonly (string | Uint8Array)[];
  /** Throws when something that must hold does not. Else says in a word what became of the input: new words make an input worth keeping. */
  run(input: Uint8Array): string;
}

/** The input as text; what is not UTF-8 becomes U+FFFD, as it does everywhere outside. */
export function textOf(input: Uint8Array): string {
  return Buffer.from(input).toString('utf8');
}

/** A message without the values in it: two messages of one kind are one outcome. */
export function outcome(message: string): string {
  return message.replaceAll(/"(?:[^"\\]|\\.)*"|\d+|\[[^\]]*\]/g, '').slice(0, 80);
}
