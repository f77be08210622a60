import { isIP } from 'node:net';

const LONGEST_NAME = 253;
/** Letters, digits, hyphens, and underscores as DNS has them (RFC 1123 §2.1, RFC 8552). */
const NAME = /^(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*$/;

/** A name or an IP address as one, without the dot of the root; undefined for what is neither. */
export function hostOf(text: string): string | undefined {
  if (isIP(text) !== 0) return text.includes('%') ? undefined : text;
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  return name.length <= LONGEST_NAME && NAME.test(name) ? name : undefined;
}
