import type { TLSSocket } from 'node:tls';

import { RampartError } from '@rampart/core';
import type { Clock, CompiledConnections } from '@rampart/core';

/** Holds a connection that is being opened to what a rule says of connections to its service. */
export function holdTo(
  { connectTimeoutMs, keepaliveMs }: CompiledConnections,
  socket: TLSSocket,
  { clock, where }: { readonly clock: Clock; readonly where: string },
): void {
  if (keepaliveMs !== undefined) socket.setKeepAlive(true, keepaliveMs);
  if (connectTimeoutMs === undefined) return;
  const timer = clock.after(connectTimeoutMs, () => socket.destroy(tooLate(where, connectTimeoutMs)));
  const over = (): void => timer.cancel();
  socket.once('secureConnect', over).once('close', over);
}

/** Looks as when the system itself gives up, which applications know. */
function tooLate(where: string, milliseconds: number): Error {
  const error = new RampartError('NO_HEALTHY_INSTANCE', `${where} did not answer within ${milliseconds} ms`);
  return Object.assign(error, { errno: -110, syscall: 'connect' });
}
