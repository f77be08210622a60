import { fail, ok, type Result } from '../../../result.ts';
import { excerpt } from '../../../printable.ts';

/** An address as 32-bit words: one for IPv4, four for IPv6. IPv4-mapped IPv6 addresses are IPv4. */
export type IpAddress = readonly number[];

/** The addresses that share the first `prefix` bits of `address`. */
export interface IpBlock {
  readonly address: IpAddress;
  readonly prefix: number;
}

const DOT = 0x2e;
const ZERO = 0x30;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const PREFIX = /^(?:0|[1-9]\d{0,2})$/;
const MAPPED_BITS = 96;

/** Reads an IPv4 or IPv6 literal (RFC 4291 §2.2), without zone or port; undefined when it is none. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (!text.includes(':')) return parseIpv4(text);
  const words = parseIpv6(text);
  if (words === undefined) return undefined;
  return isMapped(words) ? words.slice(3) : words;
}

/** Reads an address or a CIDR block; a single address is a block of one. */
export function parseIpBlock(text: string): Result<IpBlock, string> {
  const slash = text.indexOf('/');
  const literal = slash === -1 ? text : text.slice(0, slash);
  const written = literal.includes(':') ? parseIpv6(literal) : parseIpv4(literal);
  if (written === undefined) return fail(`${excerpt(text)} is not an IP address or CIDR block such as 10.0.0.0/8`);
  const bits = written.length * 32;
  const prefixText = slash === -1 ? String(bits) : text.slice(slash + 1);
  const prefix = PREFIX.test(prefixText) ? Number(prefixText) : Number.POSITIVE_INFINITY;
  if (prefix > bits) return fail(`${excerpt(text)} must end in a prefix length from 0 to ${bits}`);
  if (isMapped(written) && prefix >= MAPPED_BITS)
    return ok({ address: written.slice(3), prefix: prefix - MAPPED_BITS });
  return ok({ address: written, prefix });
}

/** Whether the address lies in the block; never across families. */
export function inIpBlock(block: IpBlock, address: IpAddress): boolean {
  if (block.address.length !== address.length) return false;
  let bits = block.prefix;
  for (let index = 0; index < address.length && bits > 0; index += 1) {
    const mask = bits >= 32 ? -1 : -1 << (32 - bits);
    if ((((block.address[index] ?? 0) ^ (address[index] ?? 0)) & mask) !== 0) return false;
    bits -= 32;
  }
  return true;
}

/** Digit by digit, because every registration and every connection comes here more than once. */
function parseIpv4(text: string): number[] | undefined {
  let word = 0;
  let dots = 0;
  let byte: number | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.codePointAt(index) ?? 0;
    if (code === DOT) {
      if (byte === undefined || dots === 3) return undefined;
      dots += 1;
      word = (word << 8) | byte;
      byte = undefined;
      continue;
    }
    const digit = code - ZERO;
    // No byte but 0 itself begins with 0: some would read what follows as octal.
    if (digit < 0 || digit > 9 || byte === 0) return undefined;
    byte = (byte ?? 0) * 10 + digit;
    if (byte > 255) return undefined;
  }
  return byte === undefined || dots !== 3 ? undefined : [(word << 8) | byte];
}

function parseIpv6(text: string): number[] | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::', 3);
  const [head = '', tail] = halves;
  if (halves.length > 2) return undefined;
  const first = parseGroups(head, tail === undefined);
  const last = tail === undefined ? [] : parseGroups(tail, true);
  if (first === undefined || last === undefined) return undefined;
  const missing = 8 - first.length - last.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...first, ...Array.from({ length: missing }, () => 0), ...last];
  const words: number[] = [];
  for (let index = 0; index < 8; index += 2) words.push(((groups[index] ?? 0) << 16) | (groups[index + 1] ?? 0));
  return words;
}

/** Sixteen-bit groups; the last may be written as a dotted IPv4 address. */
function parseGroups(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const [word] = mayEndDotted && index === parts.length - 1 ? (parseIpv4(part) ?? []) : [];
    if (word === undefined) return undefined;
    groups.push((word >>> 16) & 0xffff, word & 0xffff);
  }
  return groups;
}

function isMapped(words: readonly number[]): boolean {
  return words.length === 4 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}
