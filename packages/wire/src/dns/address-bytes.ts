import { parseIpAddress } from '@rampart/core';

const DOT = 0x2e;
const ZERO = 0x30;

/** The 4 or 16 bytes of an IP literal without zone; undefined for anything else. */
export function addressBytes(address: string): Uint8Array | undefined {
  if (parseIpAddress(address) === undefined) return undefined;
  return address.includes(':') ? sixteenBytes(address) : fourBytes(address);
}

function fourBytes(address: string): Uint8Array {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let index = 0; index < address.length; index += 1) {
    const digit = address.codePointAt(index) ?? 0;
    if (digit === DOT) at += 1;
    else bytes[at] = (bytes[at] ?? 0) * 10 + digit - ZERO;
  }
  return bytes;
}

function sixteenBytes(address: string): Uint8Array {
  const [head = '', tail] = withoutDots(address).split('::');
  const bytes = new Uint8Array(16);
  writeGroups(bytes, 0, groupsOf(head));
  const last = groupsOf(tail ?? '');
  writeGroups(bytes, 16 - 2 * last.length, last);
  return bytes;
}

/** The form with an IPv4 address at its end (RFC 4291 §2.2) in groups alone. */
function withoutDots(address: string): string {
  const at = address.lastIndexOf(':') + 1;
  const [a, b, c, d] = address.slice(at).split('.').map(Number);
  if (a === undefined || b === undefined || c === undefined || d === undefined) return address;
  return `${address.slice(0, at)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function writeGroups(bytes: Uint8Array, at: number, groups: readonly number[]): void {
  for (const [index, group] of groups.entries()) {
    bytes[at + 2 * index] = group >> 8;
    bytes[at + 2 * index + 1] = group & 0xff;
  }
}

/** The IP literal of 4 or 16 bytes, IPv6 in eight groups without leading zeros. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  return groups.map((group) => group.toString(16)).join(':');
}
