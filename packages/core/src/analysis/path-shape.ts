/** What varies from one request to the next by its form alone: an identifier, not a name that somebody chose for a route. */
const IDENTIFIER_FORMS: readonly RegExp[] = [
  // Numbers, also with a sign or a fraction: "42", "-7", "3.14".
  /^[+-]?\d+(?:\.\d+)?$/,
  // UUID (RFC 9562), also in braces or as a URN.
  /^(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  // Hex of eight digits or more, with a digit in it: "cafebabe" may be a name, "cafe0abe" is none.
  /^(?=.*\d)(?:0x)?[0-9a-f]{8,}$/i,
  // ULID and other Crockford base 32.
  /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i,
  // A short word and a number: "user-17", "ord_000123", "INV2024-0001".
  /^[a-z]{1,16}[-_]?\d[\d-]*$/i,
  // ISO 8601 date or time.
  /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?$/,
  // A long token of mixed letters and digits (base 64 URL, base 58, KSUID, nanoid).
  /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w-]{16,}$/,
];
const LONGEST_SEGMENT = 200;
/** "v1", "v2beta1": part of an API's name, however many there are. */
const API_VERSION = /^v\d+(?:(?:alpha|beta)\d*)?$/i;

/** Whether a segment of a path looks like an identifier: number, UUID, hex, ULID, date, "order-17", or a long random token. */
export function isIdentifier(segment: string): boolean {
  if (segment === '' || segment.length > LONGEST_SEGMENT || API_VERSION.test(segment)) return false;
  return IDENTIFIER_FORMS.some((form) => form.test(segment));
}

/** A path with `{*}` in the place of each identifier; to show many requests as one, never to decide about them. */
export function shapeOf(path: string): string {
  return path
    .split('/')
    .map((segment) => (isIdentifier(segment) ? '{*}' : segment))
    .join('/');
}
