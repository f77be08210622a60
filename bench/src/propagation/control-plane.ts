// The control plane of the benchmark, in a process of its own: `node control-plane.ts DIRECTORY`.
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import { createLogger, startControlPlane } from '@rampart/server';

/** Bytes on the wire, TLS included: what every accepted connection has written, those that are gone too. */
let gone = 0;
const open = new Set<Socket>();
subscribe('net.server.socket', (message) => {
  const { socket } = message as { readonly socket: Socket };
  open.add(socket);
  socket.once('close', () => {
    open.delete(socket);
    gone += socket.bytesWritten;
  });
});

const [directory = ''] = process.argv.slice(2);
const plane = await startControlPlane({
  dataDirectory: join(directory, 'data'),
  ports: { api: 0, metrics: 0 },
  // The subject is not how quickly a fleet that comes from one address may attest.
  callerRates: { attestation: { perSecond: 1000, burst: 1000 } },
  log: createLogger({ level: 'warn', destination: process.stderr, pretty: false }),
});
process.on('message', () => {
  process.send?.({ bytesSent: [...open].reduce((sum, socket) => sum + socket.bytesWritten, gone) });
});
process.once('disconnect', () => void plane.stop().then(() => process.exit(0)));
process.send?.({ address: plane.addresses.api, caFile: plane.caFile, tokenFile: plane.adminTokenFile });
