/** The claims of a verified token. */
export type Claims = Readonly<Record<string, unknown>>;

const MAX_VALUES = 64;

/** The object under a claim; an empty one when there is none. */
export function objectAt(claims: Claims, ...path: readonly string[]): Claims {
  let object: Claims = claims;
  for (const step of path) object = asObject(ownValue(object, step));
  return object;
}

/** Text of a claim that is text, or a number; undefined for every other. */
export function textOf(claims: Claims, name: string): string | undefined {
  const value = ownValue(claims, name);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Values of a claim by its path ("a.b"): each of a list by itself. A claim whose own name holds the dots comes first. */
export function valuesOf(claims: Claims, path: string): string[] {
  const whole = ownValue(claims, path);
  const steps = path.split('.');
  const value = whole === undefined ? ownValue(objectAt(claims, ...steps.slice(0, -1)), steps.at(-1) ?? '') : whole;
  const values: readonly unknown[] = Array.isArray(value) ? value.slice(0, MAX_VALUES) : [value];
  return values.filter((one) => one !== '' && ['string', 'number', 'boolean'].includes(typeof one)).map(String);
}

function ownValue(object: Claims, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function asObject(value: unknown): Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : {};
}
