import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import { BoundedCache } from '@rampart/core';

/** Larger than the binaries of services are; hashing one must not keep the host busy. */
const MAX_OCTETS: number = 512 * 1024 * 1024;
const KEPT = 256;

/** SHA-256 of the binaries that processes run. */
export class BinaryDigests {
  /** By what tells a file from any other, and from what it was before. */
  readonly #known = new BoundedCache<string, string>(KEPT);
  readonly #pending = new Map<string, Promise<string | undefined>>();
  /** Binaries under way, one after the other for each user: nobody makes others wait by running many large ones. */
  readonly #queues = new Map<number, Promise<unknown>>();

  /** Lower-case hex; undefined when the binary is too large, may not be read, or changes meanwhile. */
  async of({ pid, uid }: { readonly pid: number; readonly uid: number }): Promise<string | undefined> {
    try {
      // The link leads to the file that runs, whatever has become of its name. It is opened once, and all that is said is
      // about what was opened: the process may run another program a moment later.
      const file = await open(`/proc/${pid}/exe`);
      try {
        const key = await markOf(file);
        if (key === undefined) return undefined;
        return this.#known.get(key) ?? (await this.#pending.get(key)) ?? (await this.#hash(file, { key, uid }));
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }

  async #hash(
    file: FileHandle,
    { key, uid }: { readonly key: string; readonly uid: number },
  ): Promise<string | undefined> {
    const pending = this.#inTurn(uid, () => unchangedDigest(file, key));
    this.#pending.set(key, pending);
    try {
      const digest = await pending;
      if (digest !== undefined) this.#known.set(key, digest);
      return digest;
    } finally {
      this.#pending.delete(key);
    }
  }

  async #inTurn<T>(uid: number, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(uid);
    const result = before === undefined ? work() : before.then(work, work);
    this.#queues.set(uid, result);
    try {
      return await result;
    } finally {
      if (this.#queues.get(uid) === result) this.#queues.delete(uid);
    }
  }
}

/** Device, inode, size and times of change: what was replaced or written to is another file. Undefined when it is too large. */
async function markOf(file: FileHandle): Promise<string | undefined> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
  return size > MAX_OCTETS ? undefined : [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

async function unchangedDigest(file: FileHandle, mark: string): Promise<string | undefined> {
  const digest = createHash('sha256');
  await pipeline(file.createReadStream({ start: 0, autoClose: false }), digest);
  return (await markOf(file)) === mark ? digest.digest('hex') : undefined;
}
