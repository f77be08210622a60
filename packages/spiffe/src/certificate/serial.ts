import { readInteger } from '../der/primitives.ts';
import { DerProblem, type DerReader } from '../der/reader.ts';

const MAX_SERIAL_OCTETS = 20;
const HEX = /^(?:[0-9a-f]{2}){1,20}$/;

/** Lower-case hex of the serial number, two digits a byte, without the sign byte. */
export function readSerial(fields: DerReader): string {
  const octets = readInteger(fields, 'the serial number');
  // Authorities have to use positive numbers; readers are asked to bear with zero (RFC 5280 §4.1.2.2), which old roots have.
  if ((octets[0] ?? 0) >= 0x80 || octets.length > MAX_SERIAL_OCTETS) {
    throw new DerProblem(`the serial number is negative or has more than ${MAX_SERIAL_OCTETS} bytes`);
  }
  const hasSignOctet = octets.length > 1 && octets[0] === 0;
  return Buffer.from(hasSignOctet ? octets.subarray(1) : octets).toString('hex');
}

/** Whether the text has the form that `readSerial` gives. */
export function isSerial(text: string): boolean {
  return HEX.test(text);
}

export function decodeSerial(serial: string): Uint8Array {
  return new Uint8Array(Buffer.from(serial, 'hex'));
}
