import { createHash } from 'node:crypto';

/** 127.64.0.0/10: the whole of 127.0.0.0/8 is this host (RFC 1122 §3.2.1.3), and this part of it is nobody's. */
const BASE = 0x7f_40_00_00;
const BITS = 22;
const SIZE = 2 ** BITS;
/** Offsets of one name that are tried before it gets no address. */
const MOST_CANDIDATES = 64;

/** Addresses for a name, the likeliest first, the same ones every time; `seed` keeps several sidecars of a host apart. */
export function* candidatesFor(name: string, seed: string): Generator<string> {
  const digest = createHash('sha256').update(`${seed}\n${name}`).digest();
  const first = digest.readUInt32BE(0);
  // Odd, so that the steps come by every address before the first one comes again.
  const step = digest.readUInt32BE(4) | 1;
  for (let index = 0; index < MOST_CANDIDATES; index += 1) {
    const offset = (first + index * (step % SIZE)) % SIZE;
    const last = offset & 0xff;
    // Some programs take these for a network and its broadcast.
    if (last !== 0 && last !== 0xff) yield textOf(BASE + offset);
  }
}

export function isInRange(address: string): boolean {
  const [a, b, c, d, ...more] = address.split('.').map(Number);
  if (a !== 127 || b === undefined || c === undefined || d === undefined || more.length > 0) return false;
  return b >= 64 && b <= 127 && textOf(((a * 256 + b) * 256 + c) * 256 + d) === address;
}

function textOf(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
}
