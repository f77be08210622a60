// The control plane of the benchmark of attestation, in a process of its own: `node door-process.ts DIRECTORY`.
import { join } from 'node:path';

import { createLogger, startControlPlane } from '@rampart/server';

const [directory = ''] = process.argv.slice(2);
const plane = await startControlPlane({
  dataDirectory: join(directory, 'data'),
  ports: { api: 0, metrics: 0 },
  log: createLogger({ level: 'warn', destination: process.stderr, pretty: false }),
});
process.on('disconnect', () => void plane.stop().then(() => process.exit(0)));
process.send?.({ address: plane.addresses.api, caFile: plane.caFile, adminTokenFile: plane.adminTokenFile });
