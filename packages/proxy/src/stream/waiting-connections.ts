import { Socket } from 'node:net';
import type { Server } from 'node:net';

/** SOCK_NONBLOCK and SOCK_CLOEXEC of accept4(2) on Linux. */
const FLAGS = 0o4000 | 0o2_000_000;
/** Of a connection that waits: TLS handshakes shall not take more than a part of the time. */
const MS_FOR_EACH = 2;
const MOST_AT_ONCE = 256;

/** Takes a connection that waits at a listening socket; resolves with its descriptor, or with -1 where none does. */
type Accept = (listening: number) => number;

/**
 * Loads what takes connections by descriptor; undefined where the system has no accept4(2). A native library: see
 * `loadGiveBack`, which needs it for every sidecar.
 */
async function loadAccept(): Promise<Accept | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { default: koffi } = await import('koffi');
  const accept4 = koffi.load(null).func('int accept4(int fd, void *address, void *length, int flags)') as (
    ...args: [fd: number, address: null, length: null, flags: number]
  ) => number;
  return (listening) => accept4(listening, null, null, FLAGS);
}

export interface WaitingConnectionsOptions {
  readonly server: Server;
  /** Milliseconds. */
  now(): number;
  enter(socket: Socket): void;
}

/**
 * libuv takes one connection for each turn of the event loop. Where turns are long because many connections have something to
 * say, others wait in the kernel for minutes, unseen and unanswered; so the longer a turn was, the more are taken in the next.
 */
export async function takeWaiting({ server, now, enter }: WaitingConnectionsOptions): Promise<void> {
  const accept = await loadAccept();
  if (accept === undefined) return;
  const most = server.maxConnections;
  let taken = 0;
  let last = now();
  const take = (listening: number): boolean => {
    const fd = accept(listening);
    if (fd < 0) return false;
    taken += 1;
    server.maxConnections = most - taken;
    const socket = new Socket({ fd, allowHalfOpen: true });
    socket.once('close', () => {
      taken -= 1;
      server.maxConnections = most - taken;
    });
    enter(socket.setNoDelay(true));
    return true;
  };
  server.on('connection', () => {
    const since = last;
    last = now();
    const listening = descriptorOf(server);
    if (listening === undefined) return;
    for (let count = Math.min(MOST_AT_ONCE, (last - since) / MS_FOR_EACH); count >= 1; count -= 1)
      if (taken >= most || !take(listening)) return;
  });
}

/** Node knows the descriptor of a server's handle and has no public way to ask for it. */
function descriptorOf(server: Server): number | undefined {
  const { _handle: handle } = server as Server & { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd;
  return fd !== undefined && fd >= 0 ? fd : undefined;
}
