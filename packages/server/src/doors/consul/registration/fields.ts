import { RampartError } from '@rampart/core';

const TEXT_LIMIT = 64 * 1024;

/**
 * The fields of a JSON object by their names as Consul reads them: without regard to case and underscores ("ServiceID", "service_id"), null
 * as absent. What is of another type throws INVALID_ARGUMENT with its place.
 */
export class Fields {
  readonly #place: string;
  readonly #values = new Map<string, unknown>();

  private constructor(place: string) {
    this.#place = place;
  }

  /** @param place What a problem calls it: "" for the whole, "Check". */
  static of(value: unknown, place: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw problem(place === '' ? 'the body' : place, 'must be an object');
    }
    const fields = new Fields(place);
    for (const [name, field] of Object.entries(value)) {
      const key = folded(name);
      if (fields.#values.has(key)) throw problem(fields.#nameOf(name), 'is there twice');
      fields.#values.set(key, field);
    }
    return fields;
  }

  text(name: string): string | undefined {
    return this.#typed(name, 'a text', (value) => (isText(value) ? value : undefined));
  }

  /** Undefined for an empty one too. */
  filledText(name: string): string | undefined {
    const text = this.text(name);
    return text === '' ? undefined : text;
  }

  number(name: string): number | undefined {
    return this.#typed(name, 'a whole number', (value) => (Number.isSafeInteger(value) ? Number(value) : undefined));
  }

  flag(name: string): boolean {
    return this.#typed(name, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined)) ?? false;
  }

  texts(name: string): readonly string[] | undefined {
    return this.#typed(name, 'a list of texts', (value) =>
      Array.isArray(value) && value.every(isText) ? (value as readonly string[]) : undefined,
    );
  }

  /** Keys stay as they are. */
  textMap(name: string): Readonly<Record<string, string>> | undefined {
    return this.#typed(name, 'a map of texts', (value) => {
      return isObject(value) && isMapOfTexts(value) ? value : undefined;
    });
  }

  /** Keys stay as they are; one text is a list of one. */
  textsMap(name: string): Readonly<Record<string, readonly string[]>> | undefined {
    return this.#typed(name, 'a map of lists of texts', (value) => {
      if (!isObject(value)) return undefined;
      const entries = Object.entries(value).map(([key, one]) => [key, isText(one) ? [one] : one] as const);
      return entries.every((entry): entry is [string, string[]] => Array.isArray(entry[1]) && entry[1].every(isText))
        ? Object.fromEntries(entries)
        : undefined;
    });
  }

  object(name: string): Fields | undefined {
    const value = this.#values.get(asked(name));
    return isAbsent(value) ? undefined : Fields.of(value, this.#nameOf(name));
  }

  objects(name: string): readonly Fields[] {
    const value = this.#values.get(asked(name));
    if (isAbsent(value)) return [];
    if (!Array.isArray(value)) throw problem(this.#nameOf(name), 'must be a list');
    return value.map((one, index) => Fields.of(one, `${this.#nameOf(name)}[${index}]`));
  }

  /** Whether it says anything: neither null, nor false, nor 0, nor empty. */
  has(name: string): boolean {
    const value = this.#values.get(asked(name));
    if (isAbsent(value) || value === false || value === 0 || value === '') return false;
    return typeof value !== 'object' || Object.keys(value ?? {}).length > 0;
  }

  /** As it stands there. */
  raw(name: string): unknown {
    return this.#values.get(asked(name));
  }

  /** A problem of a field, for what its type does not say. */
  problem(name: string, text: string): RampartError {
    return problem(this.#nameOf(name), text);
  }

  #typed<T>(name: string, what: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.#values.get(asked(name));
    if (isAbsent(value)) return undefined;
    const typed = read(value);
    if (typed === undefined) throw problem(this.#nameOf(name), `must be ${what}`);
    return typed;
  }

  #nameOf(name: string): string {
    return this.#place === '' ? name : `${this.#place}.${name}`;
  }
}

function problem(place: string, text: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', `Request decode failed: ${place} ${text}`);
}

/** Most clients write the names as they are documented. */
function folded(name: string): string {
  return ASKED.get(name) ?? foldedAnew(name);
}

function foldedAnew(name: string): string {
  return (name.includes('_') ? name.replaceAll('_', '') : name).toLowerCase();
}

/** Names that are asked for stand in the code: they are few, and asked for with each call. */
const ASKED = new Map<string, string>();

function asked(name: string): string {
  const known = ASKED.get(name);
  if (known !== undefined) return known;
  const key = foldedAnew(name);
  ASKED.set(name, key);
  return key;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_LIMIT;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMapOfTexts(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, string>> {
  for (const key of Object.keys(value)) if (!isText(value[key])) return false;
  return true;
}
