import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { RampartError } from '@rampart/core';

/** Where a door listens. Port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Starts to listen and answers with the port that was taken.
 *
 * @throws RampartError PORT_IN_USE, or INVALID_ARGUMENT when this machine has no such address or may not use the port.
 */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<number> {
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw refusal(cause, { host, port });
  }
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function refusal(cause: unknown, { host, port }: ListenAddress): RampartError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EADDRINUSE') {
    return new RampartError(
      'PORT_IN_USE',
      `port ${port} of ${host} is in use; stop what listens there or choose another port`,
      { cause },
    );
  }
  return new RampartError(
    'INVALID_ARGUMENT',
    `cannot listen on port ${port} of ${host} (${String(code)}); choose another address or port`,
    { cause },
  );
}
