import { readFileSync } from 'node:fs';
import { readProcessStat } from '@rampart/core';

/** Who is alive on this machine. A process is named by its id and when it began, because ids are used again. */
export interface Processes {
  /** This process's name. */
  readonly self: string;
  isAlive(name: string): boolean;
}

/** The processes of this machine, or of this container: a spool directory is not to be shared beyond that. */
export function localProcesses(host: Pick<NodeJS.Process, 'pid' | 'kill'>): Processes {
  const self = nameOf(host.pid);
  return {
    self,
    isAlive: (name) => name === self || (exists(host, name) && !isOther(name)),
  };
}

const NAME = /^(?<pid>[1-9]\d{0,9})-\d+$/;

function nameOf(pid: number): string {
  return `${pid}-${startOf(pid) ?? 0}`;
}

function pidOf(name: string): number | undefined {
  const pid = NAME.exec(name)?.groups?.['pid'];
  return pid === undefined ? undefined : Number(pid);
}

function exists(host: Pick<NodeJS.Process, 'kill'>, name: string): boolean {
  const pid = pidOf(name);
  if (pid === undefined) return false;
  try {
    return host.kill(pid, 0);
  } catch (error) {
    // Not ours to signal is alive all the same.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** True when the process that has this id now is not the one that is meant, or has ended and was not collected yet. */
function isOther(name: string): boolean {
  const pid = pidOf(name);
  const now = pid === undefined ? undefined : startOf(pid);
  return now !== undefined && name !== `${pid}-${now}`;
}

/** Clock ticks after boot at which a process began; 0 for one that has ended, undefined where there is no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    return stat?.hasEnded === true ? '0' : stat?.startTicks;
  } catch {
    return undefined;
  }
}
