import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Processes } from './processes.ts';
import { PRIVATE_DIRECTORY, Spool, SPOOL_LIMITS } from './spool.ts';
import type { SpoolLimits } from './spool.ts';

const SPOOL_NAME = /^(?<reporter>[\w.:-]{1,128})@(?<owner>[\w-]{1,64})$/;

export type SpoolPaths = readonly [string, ...string[]];

interface Abandoned {
  readonly path: string;
  readonly name: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/**
 * The spools of one identity in one mesh, each a directory named "reporter@owner" after the process that writes it.
 *
 * The name is the lock: a spool whose owner is not alive is taken over by renaming it, and of several processes that try,
 * the file system lets one succeed. It works because process names are never used again.
 */
export class SpoolDirectory {
  readonly #path: string;
  /** This one, and others that the same identity wrote to before. */
  readonly #paths: readonly string[];
  readonly #processes: Processes;
  readonly #limits: SpoolLimits;

  /** New spools are made in the first of `paths`; what dead processes left is looked for in all of them. */
  constructor(paths: SpoolPaths, processes: Processes, limits: SpoolLimits = SPOOL_LIMITS) {
    [this.#path] = paths;
    this.#paths = paths;
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
    const abandoned = await Promise.all(this.#paths.map((path) => this.#abandonedIn(path)));
    for (const { path, name } of abandoned.flat().toSorted((a, b) => a.at - b.at)) {
      const spool = await this.#takeOver(path, name);
      if (spool !== undefined) adopted.push(spool);
    }
    await this.#shed(adopted);
    return adopted;
  }

  #pathOf(reporter: string, owner: string): string {
    return join(this.#path, `${reporter}@${owner}`);
  }

  /** The spools without a live owner, and when each was last written to. */
  async #abandonedIn(path: string): Promise<readonly Abandoned[]> {
    const names = await readdir(path).catch(() => []);
    const abandoned = names.filter((name) => {
      const owner = SPOOL_NAME.exec(name)?.groups?.['owner'];
      return owner !== undefined && !this.#processes.isAlive(owner);
    });
    return Promise.all(abandoned.map(async (name) => ({ path, name, at: await changedAt(join(path, name)) })));
  }

  async #takeOver(path: string, name: string): Promise<Spool | undefined> {
    const reporter = SPOOL_NAME.exec(name)?.groups?.['reporter'] ?? '';
    const own = this.#pathOf(reporter, this.#processes.self);
    try {
      if (path !== this.#path) await mkdir(this.#path, { recursive: true, mode: PRIVATE_DIRECTORY });
      await rename(join(path, name), own);
      const spool = await Spool.load(own, this.#limits);
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

async function changedAt(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.mtimeMs ?? 0;
}
