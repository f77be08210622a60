import { endianness } from 'node:os';
import { isIPv4 } from 'node:net';
import type { Socket } from 'node:net';

import { fail, ok, plainAddress } from '@rampart/core';
import type { Result } from '@rampart/core';

import type { Destination } from '../captured-connection.ts';
import { ipText } from '../opening/ip-text.ts';

/** ip(7), ipv6(7) and netfilter on Linux. */
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const FAMILY = { four: 2, six: 10 } as const;
/** struct sockaddr_in and struct sockaddr_in6. */
const OCTETS = { four: 16, six: 28 } as const;

/** getsockopt(2), with the arguments in its order. */
type GetSockOpt = (...args: [fd: number, level: number, name: number, value: Uint8Array, length: [number]]) => number;

/** Where a connection was going to before the system brought it here; why that cannot be said, where it cannot. */
export type OriginalDestination = (socket: Socket) => Result<Destination, string>;

/**
 * Loads what asks netfilter (`SO_ORIGINAL_DST`): a native library, which only those carry that redirect connections. A
 * connection that nobody has redirected was going to where it is.
 */
export async function loadOriginalDestination(): Promise<OriginalDestination> {
  if (process.platform !== 'linux') return () => fail('only Linux can say where a connection was going to');
  const { default: koffi } = await import('koffi');
  const getsockopt = koffi
    .load(null)
    .func('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)') as GetSockOpt;
  return (socket) => {
    const fd = descriptorOf(socket);
    if (fd === undefined) return fail('the connection is already closed');
    const isFour = isIPv4(plainAddress(socket.localAddress ?? ''));
    const value = new Uint8Array(OCTETS.six);
    const length: [number] = [isFour ? OCTETS.four : OCTETS.six];
    const outcome = getsockopt(fd, isFour ? SOL_IP : SOL_IPV6, SO_ORIGINAL_DST, value, length);
    return outcome === 0 ? readAddress(value) : fail('the system does not say where the connection was going to');
  };
}

/** A socket address as the kernel writes it: its family in the order of the machine, port and address in that of the network. */
export function readAddress(value: Uint8Array): Result<Destination, string> {
  const fields = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const family = fields.getUint16(0, endianness() === 'LE');
  const port = fields.getUint16(2);
  switch (family) {
    case FAMILY.four:
      return ok({ host: ipText(value.subarray(4, 8)), port });
    case FAMILY.six:
      return ok({ host: ipText(value.subarray(8, 24)), port });
    default:
      return fail(`an address of family ${family}`);
  }
}

/** Node knows the descriptor of a connection's handle and has no public way to ask for it. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd;
  return fd !== undefined && fd >= 0 ? fd : undefined;
}
