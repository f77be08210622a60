import * as library from 'structured-headers';

/** A value of a structured field (RFC 9651); of other kinds (tokens, dates, display strings) nothing is known here. */
export type Bare = number | string | boolean | Uint8Array | { readonly other: true };
/** In the order in which they are written, which is signed, too. */
export type Parameters = ReadonlyMap<string, Bare>;
export type Item = readonly [value: Bare, parameters: Parameters];
export type InnerList = readonly [items: readonly Item[], parameters: Parameters];
export type Dictionary = ReadonlyMap<string, Item | InnerList>;
export type List = readonly (Item | InnerList)[];

// The types of the library name one of browsers that is not known here, so what comes from it is taken as unknown first.

/** Undefined for what is no dictionary. */
export function readDictionary(text: string): Dictionary | undefined {
  return attempt(() => library.parseDictionary(text)) as Dictionary | undefined;
}

export function readList(text: string): List | undefined {
  return attempt(() => library.parseList(text)) as List | undefined;
}

export function readItem(text: string): Item | undefined {
  return attempt(() => library.parseItem(text)) as Item | undefined;
}

export const serializeDictionary: (value: Dictionary) => string = serializer(library.serializeDictionary);
export const serializeList: (value: List) => string = serializer(library.serializeList);
export const serializeItem: (value: Item) => string = serializer(library.serializeItem);
export const serializeInnerList: (value: InnerList) => string = serializer(library.serializeInnerList);
export const serializeByteSequence: (value: Uint8Array) => string = serializer(library.serializeByteSequence);

function serializer(serialize: (value: never) => string): (value: unknown) => string {
  return (value) => serialize(value as never);
}

export function isInnerList(member: Item | InnerList): member is InnerList {
  return Array.isArray(member[0]);
}

/** The octets of a byte sequence; undefined for every other value. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

/** The parser tells of bad input by throwing. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
