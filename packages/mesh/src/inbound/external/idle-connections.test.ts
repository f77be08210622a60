import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { GrpcAuthorizer } from './testing/grpc-authorizer.ts';
import { HttpAuthorizer } from './testing/http-authorizer.ts';

const program = (transport: string, port: number): string => `
  const { providerAt, startAsking } = await import(${JSON.stringify(import.meta.resolve('./testing/ask.ts'))});
  const { ask, connections } = startAsking();
  const { kind } = await ask(providerAt(${port}, { transport: '${transport}' }));
  process.on('exit', () => console.log(kind, connections.sockets.size));
`;

for (const { transport, start } of [
  { transport: 'http', start: () => HttpAuthorizer.start() },
  { transport: 'grpc', start: () => GrpcAuthorizer.start() },
]) {
  test(`a connection that waits for the next check over ${transport} keeps no process alive`, async () => {
    const server = await start();
    const args = ['--input-type=module', '-e', program(transport, server.port)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
    assert.equal(stdout, 'allowed 1\n');
    await server.stop();
  });
}
