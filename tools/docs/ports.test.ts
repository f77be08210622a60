import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { commandBlocks } from './blocks.ts';
import { busyPorts, portsOf } from './ports.ts';

const fence = '```';

function portsIn(...lines: string[]): number[] {
  return portsOf(commandBlocks('README.md', lines.join('\n')).blocks);
}

const cases = [
  { rule: 'an address names its port', command: 'curl http://127.0.0.1:8080/orders', ports: [8080] },
  { rule: 'so does PORT=', command: 'PORT=3000 node app.js', ports: [3000] },
  { rule: 'rampart up has ports of its own', command: 'npx rampart up', ports: [8443, 9090] },
  { rule: 'unless it is told others', command: 'npx rampart up --port 0 --metrics-port 0', ports: [] },
  { rule: 'an option that is a port', command: 'npx rampart up --dns-port 8600', ports: [8600, 8443, 9090] },
  { rule: 'a command without any needs none', command: 'npx rampart --help', ports: [] },
] as const;

for (const { rule, command, ports } of cases) {
  test(`ports of a document: ${rule}`, () => assert.deepEqual(portsIn(`${fence}sh`, command, fence), ports));
}

test('a block that is not run needs no port', () => {
  assert.deepEqual(portsIn('<!-- illustration: why -->', `${fence}sh`, 'npx rampart up', fence), []);
});

test('a port is busy while something listens on it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  assert.deepEqual(await busyPorts([address.port]), [address.port]);
  server.close();
  await once(server, 'close');
  assert.deepEqual(await busyPorts([address.port]), []);
});
