// The control plane of the benchmark, in a process of its own: `node control-plane.ts DIRECTORY`.
import { join } from 'node:path';

import { createLogger, startControlPlane } from '@rampart/server';

const [directory = ''] = process.argv.slice(2);
const begun = performance.now();
const plane = await startControlPlane({
  dataDirectory: join(directory, 'data'),
  ports: { api: 0, metrics: 0 },
  consul: { httpsPort: 0 },
  log: createLogger({ level: 'warn', destination: process.stderr, pretty: false }),
});
process.once('disconnect', () => void plane.stop().then(() => process.exit(0)));
process.send?.({
  address: plane.addresses.api,
  consul: plane.addresses.consulTls,
  caFile: plane.caFile,
  tokenFile: plane.adminTokenFile,
  // Since the process began, as whoever starts it sees it.
  readyMs: performance.now(),
  planeMs: performance.now() - begun,
});
