import type { TLSSocket } from 'node:tls';

import { RampartError } from '@rampart/core';
import { HTTP2, MESH_ALPN } from '@rampart/mesh';
import type { Outbound, Target } from '@rampart/mesh';

/** A connection for a session of HTTP/2, which fails by name where the instance speaks none. */
export function dialHttp2(outbound: Outbound, target: Target): TLSSocket {
  const socket = outbound.dial(target, HTTP2);
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol !== MESH_ALPN) return;
    const where = `${target.endpoint.address}, an instance of ${target.service.host},`;
    const problem = `${where} speaks HTTP/1.1 only; call it with node:http or fetch`;
    // The session takes hold of the socket at the same event, and Node does not survive one that is gone by then.
    setImmediate(() => socket.destroy(new RampartError('INVALID_ARGUMENT', problem)));
  });
  return socket;
}
