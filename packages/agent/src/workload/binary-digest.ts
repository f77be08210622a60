import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import { BoundedCache } from '@rampart/core';

/** Larger than the binaries of services are; hashing one must not keep the host busy. */
const MAX_OCTETS: number = 512 * 1024 * 1024;
const KEPT = 256;

/** SHA-256 of the binaries that processes run. */
export class BinaryDigests {
  /** By device, inode, size and times of change: what was replaced or written to is another file. */
  readonly #known = new BoundedCache<string, Promise<string>>(KEPT);

  /** Lower-case hex; undefined when the binary is too large or may not be read. */
  async of(pid: number): Promise<string | undefined> {
    // The link leads to the file that runs, whatever has become of its name.
    const file = `/proc/${pid}/exe`;
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
      if (size > MAX_OCTETS) return undefined;
      const key = [dev, ino, size, mtimeNs, ctimeNs].join(':');
      const digest = this.#known.get(key) ?? sha256(file);
      this.#known.set(key, digest);
      return await digest;
    } catch {
      return undefined;
    }
  }
}

async function sha256(file: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest('hex');
}
