/** Tokens whose makers gave them a shape: cloud keys, source hosts, payment, chat, JSON Web Tokens, PEM, basic and bearer. */
const KNOWN_SHAPES: readonly RegExp[] = [
  /^(?:AKIA|ASIA)[0-9A-Z]{16}$/,
  /^gh[pousr]_[A-Za-z0-9]{20,}$/,
  /^github_pat_\w{20,}$/,
  /^glpat-[\w-]{16,}$/,
  /^(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}$/,
  /^sk-[\w-]{20,}$/,
  /^xox[abprs]-[\w-]{10,}$/,
  /^AIza[\w-]{30,}$/,
  /^eyJ[\w-]{10,}\.[\w-]+\.[\w-]*$/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^(?:Bearer|Basic) +\S{8,}$/i,
];

const LONG = 20;
const RANDOM_BITS = 3.5;

/** Whether a text has the shape of a known kind of credential. */
export function hasSecretShape(text: string): boolean {
  return KNOWN_SHAPES.some((shape) => shape.test(text));
}

/** Whether a text is most likely a credential: of a known shape, or long and random in letters and digits alike. */
export function looksSecret(text: string): boolean {
  if (hasSecretShape(text)) return true;
  if (text.length < LONG || !/^[\w+/=-]+$/.test(text)) return false;
  return /\d/.test(text) && /[A-Za-z]/.test(text) && entropyOf(text) >= RANDOM_BITS;
}

/** Bits for each character, by how often each one stands in the text (Shannon). */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
