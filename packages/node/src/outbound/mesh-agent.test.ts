import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import type { TLSSocket } from 'node:tls';

import type { Target } from '@rampart/mesh';

import { MeshAgent, withTarget } from './mesh-agent.ts';

it('a connection that is retired is not handed to a request that waits for one', async () => {
  const server = http.createServer((request, response) => {
    request.resume().once('end', () => response.end(String(request.socket.remotePort)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const like = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const agent = new MeshAgent({ dial: () => net.connect(port, '127.0.0.1') as TLSSocket }, like);
  const target = { endpoint: { host: '127.0.0.1', port, instanceId: 'one' } } as Target;
  const ask = (): http.ClientRequest => http.request({ agent, method: 'POST', ...withTarget({}, target) });
  const answerTo = async (request: http.ClientRequest): Promise<string> => {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return (await response.setEncoding('utf8').toArray()).join('');
  };
  const underWay = ask();
  const waiting = ask();
  const answers = Promise.all([answerTo(underWay), answerTo(waiting)]);
  waiting.end();
  underWay.write('the first half');
  await once(server, 'request');
  agent.retire(() => false);
  underWay.end();
  const [first, second] = await answers;
  assert.notEqual(first, second);
  agent.destroy();
  server.close();
});
