import type { Dice } from './dice.ts';
import type { Material } from './mutate.ts';

/** Values that readers of JSON tend not to think of. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e21,
  65_536,
  '',
  ' ',
  '*',
  '**',
  '{*}',
  '{**}',
  '/',
  '\u0000',
  '\ud800',
  '__proto__',
  'constructor',
  [],
  {},
  [null],
  [[]],
  [''],
  { '': '' },
  { __proto__: null },
  'x'.repeat(5_000),
];

/** Changes one place in the tree: another value, one more, one less, a twin. Undefined when the text is no JSON. */
export function mutateJson(text: string, { dice, target, other }: Material): string | undefined {
  const root = parse(text);
  if (root === undefined) return undefined;
  const places = placesOf(root);
  if (places.length === 0) return JSON.stringify(dice.pick(ODD_VALUES));
  const { holder, key } = dice.pick(places);
  switch (dice.below(6)) {
    case 0:
      remove(holder, key);
      break;
    case 1:
      put(
        holder,
        dice.chance(50) ? key : dice.chance(50) ? word(dice, target.words) : dice.pick(ODD_KEYS),
        holder[key],
      );
      break;
    case 2:
      put(holder, key, [holder[key], holder[key]]);
      break;
    case 3:
      put(holder, key, subtree(Buffer.from(other).toString('utf8'), dice) ?? dice.pick(ODD_VALUES));
      break;
    case 4:
      put(holder, key, word(dice, target.words));
      break;
    default:
      put(holder, key, dice.pick(ODD_VALUES));
  }
  return JSON.stringify(root);
}

type Holder = Record<string, unknown>;

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function placesOf(root: unknown): { readonly holder: Holder; readonly key: string }[] {
  if (typeof root !== 'object' || root === null) return [];
  const holder = root as Holder;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesOf(holder[key])]);
}

function subtree(text: string, dice: Dice): unknown {
  const places = placesOf(parse(text));
  if (places.length === 0) return undefined;
  const { holder, key } = dice.pick(places);
  return structuredClone(holder[key]);
}

function remove(holder: Holder, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else Reflect.deleteProperty(holder, key);
}

/** An own property even when its name is `__proto__`. */
function put(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

const ODD_KEYS = ['', '__proto__', 'constructor', 'toString', '0'] as const;

function word(dice: Dice, words: readonly (string | Uint8Array)[]): string {
  return words.length === 0 ? '' : Buffer.from(dice.pick(words)).toString('utf8');
}
