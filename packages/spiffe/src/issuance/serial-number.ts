import { randomFillSync } from 'node:crypto';

const SERIAL_OCTETS = 16;
const TIME_OCTETS = 6;
/** The operating system is asked for many serial numbers at once, because asking costs more than the bytes. */
const POOL_OCTETS = 256 * SERIAL_OCTETS;
const pool = new Uint8Array(POOL_OCTETS);
let used = POOL_OCTETS;

/** A serial number that nobody can guess and none has had before: 126 random bits, always 16 bytes long. */
export function randomSerial(): Uint8Array {
  const serial = randomOctets();
  serial[0] = positive(serial[0]);
  return serial;
}

/**
 * The same with 80 random bits (the CA/Browser Forum asks for 64) behind the time of its issuance, Unix milliseconds: what is
 * issued together is together in an index, too, and whoever stores it writes one page of that instead of one for each.
 */
export function serialAt(milliseconds: number): Uint8Array {
  const serial = randomOctets();
  for (let at = TIME_OCTETS - 1, rest = milliseconds; at >= 0; at -= 1, rest = Math.floor(rest / 256))
    serial[at] = rest % 256;
  serial[0] = positive(serial[0]);
  return serial;
}

/** As a signed number, and without leading zeros. */
function positive(first = 0): number {
  return (first & 0x3f) | 0x40;
}

function randomOctets(): Uint8Array {
  if (used === POOL_OCTETS) {
    randomFillSync(pool);
    used = 0;
  }
  const octets = pool.slice(used, used + SERIAL_OCTETS);
  // What was given out is not to be found here.
  pool.fill(0, used, used + SERIAL_OCTETS);
  used += SERIAL_OCTETS;
  return octets;
}
