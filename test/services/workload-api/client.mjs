// A workload that asks for its identity as any workload would: a generic gRPC client and the published proto, nothing of ours.
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const definition = loadSync(fileURLToPath(new URL(process.argv[3] ?? 'workloadapi.proto', import.meta.url)), {
  keepCase: true,
  defaults: true,
  oneofs: true,
  includeDirs: [fileURLToPath(new URL('.', import.meta.url))],
});
const loaded = grpc.loadPackageDefinition(definition);
const calls = new Map();

// Bytes cross the IPC channel as base64.
const plain = (value) => {
  if (Buffer.isBuffer(value)) return { base64: value.toString('base64') };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
};

const clients = new Map();
function clientOf(service) {
  const known = clients.get(service);
  if (known !== undefined) return known;
  const Client = service.split('.').reduce((at, name) => at[name], loaded);
  const client = new Client(`unix://${process.argv[2]}`, grpc.credentials.createInsecure());
  clients.set(service, client);
  return client;
}

process.on('message', ({ id, service, method, request, metadata, cancel, write }) => {
  if (cancel) return void calls.get(id)?.cancel();
  if (write) return void calls.get(id)?.write(write);
  const sent = new grpc.Metadata();
  for (const [name, value] of metadata) sent.add(name, value);
  const client = clientOf(service);
  const tell = (what) => process.send({ id, ...what });
  const failed = (error) => tell({ error: { code: error.code, message: error.details } });
  const { requestStream, responseStream } = client[method];
  if (!responseStream) {
    client[method](request, sent, (error, data) => (error ? failed(error) : tell({ data: plain(data), end: true })));
    return;
  }
  const call = requestStream ? client[method](sent) : client[method](request, sent);
  if (requestStream && request !== undefined) call.write(request);
  calls.set(id, call);
  call.on('data', (data) => tell({ data: plain(data) }));
  call.on('error', failed);
  call.on('end', () => tell({ end: true }));
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
