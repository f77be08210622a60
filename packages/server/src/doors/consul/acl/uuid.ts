import { createHash } from 'node:crypto';

/** Form of a UUID; what clients of Consul take for an id. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TOKEN_PREFIX = '00000000-0000-8000-';

/** A UUID that is always the same for a text (RFC 9562 §5.8, version 8 over SHA-256). */
export function uuidOf(text: string): string {
  const hash = createHash('sha256').update(text).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  return hash
    .toString('hex')
    .slice(0, 32)
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The accessor of a token of the API: its id of eight octets as a UUID. */
export function accessorOf(id: string): string {
  return `${TOKEN_PREFIX}${id.slice(0, 4)}-${id.slice(4)}`;
}

/** The id of the token that has the accessor; undefined when none could. */
export function tokenIdOf(accessor: string): string | undefined {
  const text = accessor.toLowerCase();
  return isUuid(text) && text.startsWith(TOKEN_PREFIX) ? text.slice(TOKEN_PREFIX.length).replace('-', '') : undefined;
}
