import http from 'node:http';
import https from 'node:https';
import type { Server } from 'node:net';

import type { InstanceProtocol } from '@rampart/mesh';

/** What a server speaks; of HTTP/2 nobody knows before its first call that it is gRPC. */
export function servedBy(server: Server): Exclude<InstanceProtocol, 'grpc'> {
  if (server instanceof http.Server || server instanceof https.Server) return 'http';
  // Node exports no class of HTTP/2 servers; no other server has settings.
  return typeof Reflect.get(server, 'updateSettings') === 'function' ? 'http2' : 'tcp';
}
