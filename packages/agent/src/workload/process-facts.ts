import { readFile } from 'node:fs/promises';

import { fail, ok, readProcessStat } from '@rampart/core';
import type { Result } from '@rampart/core';

import { binaryPath } from './binary-path.ts';
import type { BinaryPath } from './binary-path.ts';
import type { PeerCredentials } from './peer-credentials.ts';

/** What proc(5) says about a process. */
export interface ProcessFacts {
  readonly uid: number;
  readonly gid: number;
  readonly supplementaryGids: readonly number[];
  readonly binary: BinaryPath | undefined;
  /** Paths of its control groups, one for each hierarchy ("/system.slice/web.service"). */
  readonly controlGroups: readonly string[];
}

/** Start times are in ticks of USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Seconds since the machine was started. */
export async function uptimeSeconds(): Promise<number> {
  return Number.parseFloat(await readFile('/proc/uptime', 'latin1'));
}

/**
 * Reads what a process is. `connectedAt` is the uptime when its connection was accepted: a process that started later has
 * inherited the number of the one that called, and gets nothing. So does one that ended while it was looked at.
 */
export async function processFacts(
  { pid, uid }: PeerCredentials,
  connectedAt: number,
): Promise<Result<ProcessFacts, string>> {
  try {
    const startedAt = await startTicks(pid);
    if (!(Number(startedAt) / TICKS_PER_SECOND <= connectedAt))
      return fail(`process ${pid} started after the call that it made`);
    const [status, groups, binary] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'latin1'),
      readFile(`/proc/${pid}/cgroup`, 'utf8'),
      binaryPath(pid),
    ]);
    const ids = idsOf(status);
    if (ids === undefined) return fail(`the status of process ${pid} cannot be read`);
    if (ids.uid !== uid) return fail(`process ${pid} is of another user than the one that called`);
    if ((await startTicks(pid)) !== startedAt) return fail(`process ${pid} ended while it was looked at`);
    return ok({ ...ids, binary, controlGroups: pathsOf(groups) });
  } catch {
    return fail(`process ${pid} ended while it was looked at`);
  }
}

/** Throws for a process that has ended, collected by its parent or not. */
async function startTicks(pid: number): Promise<string> {
  const stat = readProcessStat(await readFile(`/proc/${pid}/stat`, 'latin1'));
  if (stat === undefined || stat.hasEnded) throw new Error('there is no such process');
  return stat.startTicks;
}

function idsOf(status: string): Pick<ProcessFacts, 'uid' | 'gid' | 'supplementaryGids'> | undefined {
  // Real, effective, saved, file system: effective is what the kernel judged the call by.
  const uid = /^Uid:\t\d+\t(\d+)\t/m.exec(status)?.[1];
  const gid = /^Gid:\t\d+\t(\d+)\t/m.exec(status)?.[1];
  if (uid === undefined || gid === undefined) return undefined;
  const groups = /^Groups:\t([\d ]*)$/m.exec(status)?.[1] ?? '';
  return { uid: Number(uid), gid: Number(gid), supplementaryGids: groups.split(' ').filter(Boolean).map(Number) };
}

/** Lines are "ID:CONTROLLERS:PATH" (cgroups(7)). */
function pathsOf(text: string): readonly string[] {
  const paths = text
    .split('\n')
    .map((line) => line.split(':').slice(2).join(':'))
    .filter((path) => path.startsWith('/'));
  return [...new Set(paths)];
}
