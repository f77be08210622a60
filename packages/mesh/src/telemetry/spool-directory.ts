import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Processes } from './processes.ts';
import { Spool, SPOOL_LIMITS } from './spool.ts';
import type { SpoolLimits } from './spool.ts';

const SPOOL_NAME = /^(?<reporter>[\w.:-]{1,128})@(?<owner>[\w-]{1,64})$/;

/**
 * The spools of one identity, each a directory named "reporter@owner" after the process that writes it.
 *
 * The name is the lock: a spool whose owner is not alive is taken over by renaming it, and of several processes that try,
 * the file system lets one succeed. It works because process names are never used again.
 */
export class SpoolDirectory {
  readonly #path: string;
  readonly #processes: Processes;
  readonly #limits: SpoolLimits;

  constructor(path: string, processes: Processes, limits: SpoolLimits = SPOOL_LIMITS) {
    this.#path = path;
    this.#processes = processes;
    this.#limits = limits;
  }

  /** A new spool for a reporter of this process; nothing is created before something is written to it. */
  create(reporter: string): Spool {
    return new Spool(this.#pathOf(reporter, this.#processes.self), this.#limits);
  }

  /** Takes over what dead processes left, oldest first. Beyond what one spool may hold the oldest are emptied, and count it. */
  async adopt(): Promise<Spool[]> {
    const adopted: Spool[] = [];
    for (const name of await this.#abandoned()) {
      const spool = await this.#takeOver(name);
      if (spool !== undefined) adopted.push(spool);
    }
    await this.#shed(adopted);
    return adopted;
  }

  #pathOf(reporter: string, owner: string): string {
    return join(this.#path, `${reporter}@${owner}`);
  }

  /** Names of the spools without a live owner, the one that was written to first in front. */
  async #abandoned(): Promise<string[]> {
    const names = await readdir(this.#path).catch(() => []);
    const abandoned = names.filter((name) => {
      const owner = SPOOL_NAME.exec(name)?.groups?.['owner'];
      return owner !== undefined && !this.#processes.isAlive(owner);
    });
    const dated = await Promise.all(abandoned.map(async (name) => ({ name, at: await this.#changedAt(name) })));
    return dated.toSorted((a, b) => a.at - b.at).map(({ name }) => name);
  }

  async #changedAt(name: string): Promise<number> {
    const found = await stat(join(this.#path, name)).catch(() => undefined);
    return found?.mtimeMs ?? 0;
  }

  async #takeOver(name: string): Promise<Spool | undefined> {
    const reporter = SPOOL_NAME.exec(name)?.groups?.['reporter'] ?? '';
    const path = this.#pathOf(reporter, this.#processes.self);
    try {
      await rename(join(this.#path, name), path);
      const spool = await Spool.load(path, this.#limits);
      if (!spool.isEmpty) return spool;
      await spool.removeIfEmpty();
    } catch {
      // Another process was faster, or it cannot be read: then it cannot be sent either.
    }
    return undefined;
  }

  async #shed(adopted: readonly Spool[]): Promise<void> {
    let bytes = adopted.reduce((sum, spool) => sum + spool.bytes, 0);
    for (const spool of adopted) {
      if (bytes <= this.#limits.bytes) return;
      bytes -= spool.bytes;
      await spool.discard();
    }
  }
}
