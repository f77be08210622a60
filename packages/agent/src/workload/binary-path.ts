import { readlink, stat } from 'node:fs/promises';

/** Where the binary of a process is. */
export interface BinaryPath {
  readonly path: string;
  /** Whether the host has that very file there: otherwise the path is what a container, or a user, has arranged for itself. */
  readonly isHosts: boolean;
}

/** What the kernel puts behind the path of a binary that is gone, and what anybody may call a file. */
const DELETED = ' (deleted)';
const HOST = '/proc/1';
const AGENT = '/proc/self';

/** Undefined when the binary is gone, or this agent may not see it. */
export async function binaryPath(pid: number): Promise<BinaryPath | undefined> {
  const path = await readlink(`/proc/${pid}/exe`).catch(() => undefined);
  if (path === undefined || path.endsWith(DELETED)) return undefined;
  return { path, isHosts: await isOfHost(pid, path) };
}

/**
 * The path is one of the mount namespace of the process. Any user may make one (user_namespaces(7)) and mount any file of theirs over
 * /usr/bin/envoy there, so it counts where the namespace is the host's, or where who made it was privileged on the host, as
 * systemd is, and the same file is found there by the host.
 */
async function isOfHost(pid: number, path: string): Promise<boolean> {
  if (await sharesNamespace(pid, 'mnt')) return true;
  return (await sharesNamespace(pid, 'user')) && (await isSameFile(pid, path));
}

async function sharesNamespace(pid: number, kind: 'mnt' | 'user'): Promise<boolean> {
  const [own, ...others] = await Promise.all(
    [`/proc/${pid}`, HOST, AGENT].map((process) => readlink(`${process}/ns/${kind}`).catch(() => undefined)),
  );
  return own !== undefined && others.includes(own);
}

async function isSameFile(pid: number, path: string): Promise<boolean> {
  const [running, ...found] = await Promise.all(
    [`/proc/${pid}/exe`, `${HOST}/root${path}`, path].map((file) =>
      stat(file, { bigint: true }).then(
        ({ dev, ino }) => `${dev}:${ino}`,
        () => undefined,
      ),
    ),
  );
  return running !== undefined && found.includes(running);
}
