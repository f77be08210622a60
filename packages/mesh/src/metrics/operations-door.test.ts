import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';

import { openOperationsDoor } from './operations-door.ts';
import type { OperationsDoor } from './operations-door.ts';

describe('the door for metrics and health', () => {
  let door: OperationsDoor;
  let isReady = false;
  before(async () => {
    door = await openOperationsDoor({
      host: '127.0.0.1',
      port: 0,
      metrics: () => 'a_total 1\n',
      isReady: () => isReady,
    });
  });
  after(() => door.close());

  const cases: readonly (readonly [path: string, status: number, body: string])[] = [
    ['/metrics', 200, 'a_total 1\n'],
    ['/metrics?name=a', 200, 'a_total 1\n'],
    ['/healthz', 200, 'ok\n'],
    ['/readyz', 503, 'not ready\n'],
    ['/healthz/ready', 503, 'not ready\n'],
    ['/other', 404, 'try /healthz, /healthz/ready or /metrics\n'],
  ];
  for (const [path, status, body] of cases) {
    it(`answers ${path} with ${status}`, async () => {
      const answer = await fetch(`http://127.0.0.1:${door.port}${path}`);
      assert.equal(answer.status, status);
      assert.equal(await answer.text(), body);
    });
  }

  it('says when it is ready', async () => {
    isReady = true;
    assert.equal((await fetch(`http://127.0.0.1:${door.port}/healthz/ready`)).status, 200);
  });

  it('changes nothing: only GET and HEAD', async () => {
    assert.equal((await fetch(`http://127.0.0.1:${door.port}/metrics`, { method: 'POST' })).status, 405);
    const head = await fetch(`http://127.0.0.1:${door.port}/metrics`, { method: 'HEAD' });
    assert.equal(head.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(await head.text(), '');
  });

  for (const [what, sent] of [
    ['a head without end', `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(2000)}`],
    ['a caller that goes away', 'GET /met'],
  ] as const) {
    it(`outlives ${what}`, async () => {
      const socket = net.connect(door.port, '127.0.0.1').on('error', () => undefined);
      socket.write(sent);
      socket.end();
      await once(socket, 'close');
      assert.equal((await fetch(`http://127.0.0.1:${door.port}/healthz`)).status, 200);
    });
  }

  it('lets a caller go for whom there are no metrics, and goes on', async () => {
    const failing = await openOperationsDoor({
      host: '127.0.0.1',
      port: 0,
      metrics: () => Promise.reject(new Error('not now')),
      isReady: () => true,
    });
    await assert.rejects(fetch(`http://127.0.0.1:${failing.port}/metrics`));
    assert.equal((await fetch(`http://127.0.0.1:${failing.port}/healthz`)).status, 200);
    failing.close();
  });

  it('says which port is in use', async () => {
    const again = openOperationsDoor({ host: '127.0.0.1', port: door.port, metrics: () => '', isReady: () => true });
    await assert.rejects(again, { code: 'PORT_IN_USE' });
  });
});
