import { chmod, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { once } from 'node:events';

import { RampartError } from '@rampart/core';

/** sun_path of sockaddr_un (unix(7)), less the zero byte at its end and what a temporary name adds. */
const LONGEST_PATH = 100;
/** Anybody may connect: who they are is asked of the kernel. */
const SOCKET_MODE = 0o777;
const WRITABLE_BY_OTHERS = 0o022;

/** The file of a Unix socket that is listened on. */
export interface SocketFile {
  readonly path: string;
  /** Removes the file, unless another one has taken its place. */
  remove(): Promise<void>;
}

/**
 * Lets `server` listen on a Unix socket that every user of the host may connect to. A file that a dead process left there is
 * replaced. The folder is made if there is none; nobody else may be able to put a socket of their own into it.
 *
 * @throws RampartError INVALID_ARGUMENT for a path or folder that cannot be, PORT_IN_USE when somebody listens there.
 */
export async function listenOnSocketFile(server: Server, path: string, userId: number): Promise<SocketFile> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new RampartError('INVALID_ARGUMENT', `the path of the socket has more than ${LONGEST_PATH} bytes: ${path}`);
  }
  await prepareFolder(dirname(path), userId);
  await checkFree(path);
  // Under its own name only once everybody may connect, and in one step with the end of what was there.
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  server.listen(temporary);
  await once(server, 'listening');
  await chmod(temporary, SOCKET_MODE);
  await rename(temporary, path);
  const { ino } = await stat(path);
  return {
    path,
    remove: async () => {
      const there = await lstat(path).catch(() => undefined);
      if (there?.ino === ino) await rm(path, { force: true });
    },
  };
}

async function prepareFolder(folder: string, userId: number): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const { uid, mode } = await stat(folder);
    if (uid === userId && (mode & WRITABLE_BY_OTHERS) === 0) return;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RampartError('INVALID_ARGUMENT', `the folder of the socket cannot be used: ${reason}`, { cause });
  }
  throw new RampartError(
    'INVALID_ARGUMENT',
    `others could put a socket of their own into ${folder}: give the socket a folder that belongs to the agent's user and that nobody else may write to`,
  );
}

async function checkFree(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw new RampartError('INVALID_ARGUMENT', `${path} is there and is no socket; move it away`);
  if (!(await isListenedOn(path))) return;
  throw new RampartError(
    'PORT_IN_USE',
    `another process listens on ${path}; stop it, or give this agent another socket with --socket`,
  );
}

function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
