import { InvalidArgumentError } from 'commander';

/** A TCP port; 0 lets the system choose one. */
export function parsePort(text: string): number {
  return parseWhole(text, { max: 65_535, what: 'a port, 0 to 65535 (0 lets the system choose)' });
}

/** A whole number of things, 0 included. */
export function parseCount(text: string): number {
  return parseWhole(text, { max: 1_000_000, what: 'a whole number, 0 to 1000000' });
}

/** At most how many of them: one at least, because an API takes 0 for its own default. */
export function parseLimit(text: string): number {
  const what = 'a whole number, 1 to 1000000';
  const limit = parseWhole(text, { max: 1_000_000, what });
  if (limit === 0) throw new InvalidArgumentError(`write ${what}.`);
  return limit;
}

function parseWhole(text: string, range: { readonly max: number; readonly what: string }): number {
  if (!/^\d{1,7}$/.test(text) || Number(text) > range.max) throw new InvalidArgumentError(`write ${range.what}.`);
  return Number(text);
}

/** How heavy an instance is beside others, as DNS SRV has it. */
export function parseWeight(text: string): number {
  const what = 'a whole number, 1 to 65535';
  const weight = parseWhole(text, { max: 65_535, what });
  if (weight === 0) throw new InvalidArgumentError(`write ${what}.`);
  return weight;
}

/** A revision of the mesh, as "rampart history" lists them. */
export function parseRevision(text: string): bigint {
  return revisionOf(text, '"rampart history" lists them');
}

/** A revision of the registry. */
export function parseRegistryRevision(text: string): bigint {
  return revisionOf(text, '"rampart registry watch" begins its lines with them');
}

function revisionOf(text: string, where: string): bigint {
  if (!/^\d{1,16}$/.test(text)) throw new InvalidArgumentError(`write a revision, a whole number; ${where}.`);
  return BigInt(text);
}
