import type { Dice } from './dice.ts';
import type { FuzzTarget } from './target.ts';
import { mutateJson } from './mutate-json.ts';

const LONGEST = 64 * 1024;
const ODD_BYTES = [
  0x00, 0x01, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x2e, 0x2f, 0x30, 0x5c, 0x7f, 0x80, 0xc0, 0xfe, 0xff,
];

/** What a mutation works with besides the input. */
export interface Material {
  readonly dice: Dice;
  readonly target: FuzzTarget;
  /** Any other input of the corpus. */
  readonly other: Uint8Array;
}

/** An input that is the given one with a few changes. */
export function mutate(input: Uint8Array, material: Material): Uint8Array {
  const { dice, target } = material;
  let changed: Buffer = Buffer.from(input);
  for (let left = 1 + dice.below(5); left > 0; left -= 1) {
    const json = target.form === 'json' && dice.chance(75) ? mutateJson(changed.toString('utf8'), material) : undefined;
    changed = json === undefined ? dice.pick(MUTATIONS)(changed, material) : Buffer.from(json);
    if (changed.length > LONGEST) changed = changed.subarray(0, LONGEST);
  }
  return new Uint8Array(changed);
}

type Mutation = (input: Buffer, material: Material) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  // A bit, a byte.
  (input, { dice }) => withByte(input, dice, (byte) => byte ^ (1 << dice.below(8))),
  (input, { dice }) => withByte(input, dice, () => dice.pick(ODD_BYTES)),
  (input, { dice }) => withByte(input, dice, () => dice.below(256)),
  (input, { dice }) => withByte(input, dice, (byte) => byte + dice.below(9) - 4),
  // Pieces out, in, twice, elsewhere.
  (input, { dice }) => replaced(input, range(input, dice), Buffer.alloc(0)),
  (input, { dice }) => replaced(input, at(dice.below(input.length + 1)), Buffer.from([dice.pick(ODD_BYTES)])),
  (input, { dice, target }) =>
    target.words.length === 0
      ? input
      : replaced(
          input,
          dice.chance(50) ? at(dice.below(input.length + 1)) : range(input, dice),
          Buffer.from(dice.pick(target.words)),
        ),
  (input, { dice }) => replaced(input, at(dice.below(input.length + 1)), piece(input, dice)),
  (input, { dice, other }) => replaced(input, range(input, dice), piece(Buffer.from(other), dice)),
  (input, { dice }) => input.subarray(0, dice.below(input.length + 1)),
  // The same piece over and over.
  (input, { dice }) => {
    const repeated = piece(input, dice).subarray(0, 64);
    return replaced(
      input,
      at(dice.below(input.length + 1)),
      Buffer.concat(Array.from({ length: 2 ** dice.below(11) }, () => repeated)),
    );
  },
];

interface Range {
  readonly start: number;
  readonly end: number;
}

function at(position: number): Range {
  return { start: position, end: position };
}

/** Short ranges more often than long ones. */
function range(input: Buffer, dice: Dice): Range {
  const start = dice.below(input.length + 1);
  return { start, end: Math.min(input.length, start + dice.below(2 ** dice.below(9))) };
}

function piece(input: Buffer, dice: Dice): Buffer {
  const { start, end } = range(input, dice);
  return input.subarray(start, end);
}

function replaced(input: Buffer, { start, end }: Range, by: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, start), by, input.subarray(end)]);
}

function withByte(input: Buffer, dice: Dice, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(input);
  const position = dice.below(copy.length);
  const byte = copy[position];
  if (byte !== undefined) copy[position] = change(byte) & 0xff;
  return copy;
}
