import { RampartError } from '@rampart/core';
import { isSerial } from '../certificate/serial.ts';
import { decodeDer } from '../der/reader.ts';
import { encodeRevoked, readRevoked, type RevokedCertificate } from './revoked-certificate.ts';

/**
 * The lines of a revocation list, encoded as they come, so that whoever has hundreds of thousands of them can let others have
 * their turn in between. What is encoded is read back.
 */
export class CrlLines {
  readonly #serials = new Set<string>();
  readonly #encoded: Uint8Array[] = [];

  /** Number of certificates. */
  get count(): number {
    return this.#serials.size;
  }

  has(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /**
   * Throws `RampartError` INVALID_ARGUMENT for what is no serial number, and for one that is there already; INTERNAL when what
   * was written reads otherwise.
   */
  add(revoked: readonly RevokedCertificate[]): void {
    for (const { serial } of revoked) {
      if (!isSerial(serial)) throw wrong(`${JSON.stringify(serial)}, which is not the hex of a serial number`);
      if (this.#serials.has(serial)) throw wrong(`the serial number ${serial} twice`);
      this.#serials.add(serial);
    }
    const encoded = Buffer.concat(revoked.map(encodeRevoked));
    const isSame = decodeDer(encoded, (lines) => revoked.every(({ serial }) => readRevoked(lines).serial === serial));
    if (!isSame.ok || !isSame.value) {
      throw new RampartError('INTERNAL', 'the lines of a revocation list do not read as they were meant');
    }
    this.#encoded.push(encoded);
  }

  /** All of them, one after the other, as they stand in a list. */
  bytes(): Uint8Array {
    return Buffer.concat(this.#encoded);
  }
}

function wrong(what: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', `revocation list: revoked holds ${what}`);
}
