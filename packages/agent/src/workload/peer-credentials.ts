import { endianness } from 'node:os';
import type { Socket } from 'node:net';

import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import koffi from 'koffi';

/** Who opened a Unix socket, as the kernel knows it: the caller has no say in it. */
export interface PeerCredentials {
  readonly pid: number;
  /** Effective user and group at the time of connecting. */
  readonly uid: number;
  readonly gid: number;
}

/** socket(7) on Linux. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const UCRED_OCTETS = 12;

/** getsockopt(2), with the arguments in its order. */
type GetSockOpt = (...args: [fd: number, level: number, name: number, value: Uint8Array, length: [number]]) => number;

let getsockopt: GetSockOpt | undefined;

/** Credentials of the process at the other end of a connected Unix socket (SO_PEERCRED, unix(7)); why not, when there are none. */
export function peerCredentials(socket: Socket): Result<PeerCredentials, string> {
  const fd = descriptorOf(socket);
  if (fd === undefined) return fail('the connection is already closed');
  const value = new Uint8Array(UCRED_OCTETS);
  const length: [number] = [UCRED_OCTETS];
  getsockopt ??= load();
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0 || length[0] !== UCRED_OCTETS) {
    return fail('the kernel does not say who is at the other end');
  }
  const fields = new DataView(value.buffer);
  const little = endianness() === 'LE';
  const pid = fields.getInt32(0, little);
  // 0 is a process of another PID namespace: nothing can be found out about it from here.
  if (pid <= 0) return fail('the caller is in a PID namespace that this agent cannot see; run the agent with hostPID');
  return ok({ pid, uid: fields.getUint32(4, little), gid: fields.getUint32(8, little) });
}

function load(): GetSockOpt {
  const libc = koffi.load(null);
  return libc.func(
    'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
  ) as GetSockOpt;
}

/** Node knows the descriptor of a pipe handle and has no public way to ask for it. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd;
  return fd !== undefined && fd >= 0 ? fd : undefined;
}
