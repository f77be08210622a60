import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';

// RFC 9110 §5.6.2
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** An IP address; anything else would match no block of a policy, and every block that is negated. */
export function parseAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('write an IPv4 or IPv6 address.');
  return text;
}

/** An HTTP method, in upper case. */
export function parseMethod(text: string): string {
  if (!TOKEN.test(text)) throw new InvalidArgumentError('write an HTTP method, such as GET.');
  return text.toUpperCase();
}

/** The path of a request, from its first slash. */
export function parsePath(text: string): string {
  if (!text.startsWith('/')) throw new InvalidArgumentError(`a path begins with a slash: /${text}`);
  return text;
}
