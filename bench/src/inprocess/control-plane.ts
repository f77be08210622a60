// The control plane of the benchmark, in a process of its own: `node control-plane.ts DIRECTORY POLICIES WORKLOADS`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createClient } from '@connectrpc/connect';
import { createLogger, startControlPlane } from '@rampart/server';
import { AdminService } from '@rampart/wire';

import { operatorTransport } from '../harness/operator-transport.ts';

const [directory = '', policies = '', workloads = '[]'] = process.argv.slice(2);
const plane = await startControlPlane({
  dataDirectory: join(directory, 'data'),
  ports: { api: 0, metrics: 0 },
  log: createLogger({ level: 'warn', destination: process.stderr, pretty: false }),
});
const place = { address: plane.addresses.api, caFile: plane.caFile, tokenFile: plane.adminTokenFile };
const admin = createClient(AdminService, operatorTransport(place));
const { problems } = await admin.apply({
  document: readFileSync(policies, 'utf8'),
  file: policies,
  // Services start once they know where the control plane is.
  allowUnknownServices: true,
});
if (problems.some((problem) => problem.severity === 'error')) throw new Error(JSON.stringify(problems));

interface Named {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly service: string;
}

const tokens: Record<string, string> = {};
for (const { name, ...workload } of JSON.parse(workloads) as readonly Named[]) {
  const labels = { app: workload.serviceAccount };
  tokens[name] = (await admin.createJoinToken({ workload: { ...workload, labels } })).token;
}
process.stdout.write(`${JSON.stringify({ address: plane.addresses.api, caFile: plane.caFile, tokens })}\n`);
process.stdin.resume().once('end', () => void plane.stop().then(() => process.exit(0)));
