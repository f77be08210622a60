import { readFile, realpath } from 'node:fs/promises';

import type { Clock, Timer } from '@rampart/core';
import type { MeshLog } from '@rampart/mesh';

import { QuietMoments } from './quiet-moments.ts';
import type { Usage } from './quiet-moments.ts';

/** MADV_DONTNEED of madvise(2) on Linux. */
const DONT_NEED = 4;
/** Starting is over by then: certificates are there, and what serves is compiled. */
const AFTER_START_MS = 5000;
const LOOK_EVERY_MS = 2000;
const MICROSECONDS = 1000;

/** A stretch of the address space. */
export interface MemoryRange {
  readonly start: number;
  readonly bytes: number;
}

/** Gives memory back to the system that this process does not use. */
export type GiveBack = () => void;

/**
 * What of the address space is a clean copy of `file`, from the text of `/proc/self/smaps` (proc(5)). Pages of it can be let
 * go at any time: the kernel maps them again from its cache when they are touched. What was written to since it was
 * mapped, relocations for one, is left out.
 */
export function cleanRanges(smaps: string, file: string): readonly MemoryRange[] {
  const ranges: MemoryRange[] = [];
  for (const mapping of smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const [first = ''] = mapping.split('\n', 1);
    const [, start = '', end = '', path] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +(\/.*)$/.exec(first) ?? [];
    if (path !== file || kibibytes(mapping, 'Anonymous') !== 0 || kibibytes(mapping, 'Swap') !== 0) continue;
    const from = Number.parseInt(start, 16);
    ranges.push({ start: from, bytes: Number.parseInt(end, 16) - from });
  }
  return ranges;
}

/** Undefined where the kernel does not say. */
function kibibytes(mapping: string, name: string): number | undefined {
  const text = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(mapping)?.[1];
  return text === undefined ? undefined : Number(text);
}

/**
 * Loads what gives memory back: pages of the program that only starting needed, and what the allocator of the C library
 * keeps (malloc_trim(3)). Undefined where the system has none of it.
 */
export async function loadGiveBack(): Promise<GiveBack | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { default: koffi } = await import('koffi');
  const library = koffi.load(null);
  const madvise = library.func('int madvise(uintptr_t start, size_t length, int advice)') as (
    start: number,
    length: number,
    advice: number,
  ) => number;
  const trim = trimOf(library);
  const clean = cleanRanges(await readFile('/proc/self/smaps', 'latin1'), await realpath(process.execPath));
  return () => {
    for (const { start, bytes } of clean) madvise(start, bytes, DONT_NEED);
    trim?.(0);
  };
}

/** glibc alone has it; other C libraries give back what is free by themselves. */
function trimOf(library: { func(declaration: string): unknown }): ((pad: number) => number) | undefined {
  try {
    return library.func('int malloc_trim(size_t pad)') as (pad: number) => number;
  } catch {
    return undefined;
  }
}

/** Gives memory back once the process has started, and whenever it is quiet after work. Returns what ends that. */
export function keepSmall(clock: Clock, log: MeshLog): () => void {
  let timer: Timer | undefined;
  let isOver = false;
  const look = (giveBack: GiveBack, moments: QuietMoments): void => {
    if (isOver) return;
    if (moments.isNow(usageOf(clock))) giveBack();
    timer = clock.after(LOOK_EVERY_MS, () => look(giveBack, moments));
  };
  const begin = async (): Promise<void> => {
    try {
      const giveBack = await loadGiveBack();
      giveBack?.();
      if (giveBack !== undefined) look(giveBack, new QuietMoments(usageOf(clock)));
    } catch (error) {
      log.debug('memory that is not used is kept', { error });
    }
  };
  timer = clock.after(AFTER_START_MS, () => void begin());
  return () => {
    isOver = true;
    timer?.cancel();
  };
}

function usageOf(clock: Clock): Usage {
  const { user, system } = process.cpuUsage();
  return { nowMs: clock.now(), workedMs: (user + system) / MICROSECONDS };
}
