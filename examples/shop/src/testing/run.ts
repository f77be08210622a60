import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../process/child.ts';

const START = fileURLToPath(new URL('../start.ts', import.meta.url));
const QUICK = fileURLToPath(new URL('../../../../tools/quick.ts', import.meta.url));

/** Starts the shop as `npm start -- …` does; everything it starts inherits `temporary` as its temporary folder. */
export function startShop(
  options: readonly string[],
  place: {
    readonly temporary: string;
    readonly onLine: (line: string) => void;
    readonly environment?: Readonly<Record<string, string>>;
  },
): Child {
  return new Child({
    name: 'shop',
    node: process.execPath,
    arguments: [QUICK, START, ...options],
    // oxlint-disable-next-line no-restricted-properties -- tests of whole processes hand their environment on
    environment: { ...process.env, ...place.environment, TMPDIR: place.temporary },
    onLine: place.onLine,
  });
}

/** Gives `work` a temporary folder of its own, and removes it. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'shop-test-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Processes that were started with this temporary folder and are still there; undefined where /proc does not tell. */
export async function processesOf(temporary: string): Promise<readonly string[] | undefined> {
  if (process.platform !== 'linux') return undefined;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => environments[index]?.split('\0').includes(`TMPDIR=${temporary}`) === true);
}
