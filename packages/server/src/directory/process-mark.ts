import { readFile } from 'node:fs/promises';
import { readProcessStat } from '@rampart/core';

/** Names one process for good: a process id alone is given again to others, after a restart of the machine for instance. */
export interface ProcessMark {
  readonly pid: number;
  /** When it started, in the system's own terms; "" where the system does not say. */
  readonly started: string;
}

export async function readOwnMark(): Promise<ProcessMark> {
  return { pid: process.pid, started: await startOf(process.pid) };
}

/** Whether exactly this process is still there. */
export async function isRunning(mark: ProcessMark): Promise<boolean> {
  if (!Number.isInteger(mark.pid) || mark.pid <= 0 || !isAlive(mark.pid)) {
    return false;
  }
  const started = await startOf(mark.pid);
  return mark.started === '' || started === '' || started === mark.started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Boot id and start time; "" where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'latin1'),
    ]);
    return `${boot.trim()} ${readProcessStat(stat)?.startTicks ?? ''}`;
  } catch {
    return '';
  }
}
