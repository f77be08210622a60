import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Echo {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
}

/** An authorizer as people write them: whoever brings the right word may pass. */
class WordChecker {
  readonly server: Server;
  readonly asked: string[] = [];
  bytes = 0;
  #gate: Promise<void> = Promise.resolve();
  #release = (): void => {};

  constructor() {
    this.server = createServer((request, response) => {
      this.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.byteLength));
      request.on('end', () => {
        this.bytes = bytes;
        void this.#gate.then(() => {
          if (isWelcome(request)) response.writeHead(200, { 'x-user': 'alice', 'x-internal': 'no' });
          else response.writeHead(403, { 'x-why': 'word', 'content-type': 'text/plain' });
          response.end(isWelcome(request) ? '' : 'say the word');
        });
      });
    });
  }

  hold(): void {
    this.#gate = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
    this.#gate = Promise.resolve();
  }
}

function isWelcome({ headers }: IncomingMessage): boolean {
  return headers['x-word'] === 'please';
}

describe('an external authorizer', () => {
  const checker = new WordChecker();
  let port = 0;
  let plane: ControlPlaneProcess;
  let echo: Workload;
  let caller: Laboratory;

  const provider = (extra = ''): string => `apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default, namespace: istio-system }
spec:
  extensionProviders:
  - name: words
    envoyExtAuthzHttp:
      service: 127.0.0.1
      port: ${port}
      includeRequestHeadersInCheck: [x-word]
      headersToUpstreamOnAllow: [x-user]
      headersToDownstreamOnDeny: [x-why, content-type]
      includeRequestBodyInCheck: { maxRequestBytes: 100000, allowPartialMessage: true }
      ${extra}
`;
  const CUSTOM = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: words, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  action: CUSTOM
  provider: { name: words }
  rules: [{ to: [{ operation: { paths: ["/guarded/*"] } }] }]
`;

  before(async () => {
    checker.server.listen(0, '127.0.0.1');
    await once(checker.server, 'listening');
    port = (checker.server.address() as AddressInfo).port;
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}---\n${provider()}---\n${CUSTOM}`);
    echo = await Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' });
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
    await until('the caller to know echo', () =>
      caller.run(() => fetch('http://echo/').then((response) => response.ok)),
    );
  });

  after(async () => {
    await Promise.all([echo.kill(), caller.kill()]);
    await plane.stop();
    checker.server.closeAllConnections();
    checker.server.close();
  });

  function send(path: string, headers: Readonly<Record<string, string>> = {}, bytes = 0): Promise<Answer> {
    return caller.run(
      async (_tools, { path, headers, bytes }) => {
        const body = bytes === 0 ? {} : { method: 'POST', body: 'x'.repeat(bytes) };
        const response = await fetch(`http://echo${path}`, { headers, ...body });
        const names = [...response.headers.entries()];
        return { status: response.status, body: await response.text(), headers: Object.fromEntries(names) };
      },
      { path, headers, bytes },
    );
  }

  it('says no: its answer is the answer', async () => {
    const { status, body, headers } = await send('/guarded/a');
    assert.deepEqual([status, body, headers['x-why']], [403, 'say the word', 'word']);
  });

  it('says yes: the application gets what it says, and not what the caller says in its name', async () => {
    const { status, body } = await send('/guarded/a', { 'x-word': 'please', 'x-user': 'mallory' });
    assert.equal(status, 200, body);
    const { headers } = JSON.parse(body) as Echo;
    assert.equal(headers['x-user'], 'alice');
    assert.equal(headers['x-internal'], undefined);
  });

  it('is asked about nothing else', async () => {
    const before = checker.asked.length;
    assert.equal((await send('/open')).status, 200);
    assert.equal(checker.asked.length, before);
  });

  it('sees the first bytes of a body; the application gets all of it', async () => {
    for (const bytes of [1, 50_000, 300_000]) {
      const { status, body } = await send('/guarded/upload', { 'x-word': 'please' }, bytes);
      assert.equal(status, 200, body);
      assert.equal((JSON.parse(body) as Echo).bytes, bytes);
      assert.equal(checker.bytes, Math.min(bytes, 100_000));
    }
  });

  it('cannot say yes for DENY', async () => {
    await plane.apply(`apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: closed, namespace: default }
spec: { selector: { matchLabels: { app: echo } }, action: DENY, rules: [{ to: [{ operation: { paths: ["/guarded/closed"] } }] }] }
`);
    const answer = await until('the DENY policy', async () => {
      const found = await send('/guarded/closed', { 'x-word': 'please' });
      return found.status === 403 ? found : undefined;
    });
    assert.equal(answer.body, 'RBAC: access denied');
  });

  it('a policy that changes while it thinks is the one that judges', async () => {
    checker.hold();
    const before = checker.asked.length;
    const waiting = send('/guarded/late', { 'x-word': 'please' });
    await until('the authorizer to be asked', () => Promise.resolve(checker.asked.length > before));
    await plane.apply(`apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: late, namespace: default }
spec: { selector: { matchLabels: { app: echo } }, action: DENY, rules: [{ to: [{ operation: { paths: ["/guarded/late", "/late"] } }] }] }
`);
    await until('the new policy', async () => (await send('/late')).status === 403);
    checker.release();
    assert.equal((await waiting).status, 403);
  });

  it('the record says who refused', async () => {
    await send('/guarded/recorded');
    const record = await until('the record', async () =>
      (await plane.records()).find(
        ({ request_path, reporter }) => request_path === '/guarded/recorded' && reporter === 'destination',
      ),
    );
    assert.equal(record.authorization_policy, 'default/words');
    assert.equal(record.authorization_decision, 'DENY');
    assert.match(record.reason, /"words" said no/);
  });

  it('away: nobody passes, or everybody where the provider fails open, but not in its name', async () => {
    checker.server.closeAllConnections();
    checker.server.close();
    assert.equal((await send('/guarded/a', { 'x-word': 'please' })).status, 403);
    await plane.apply(provider('failOpen: true'));
    const answer = await until('the provider to fail open', async () => {
      const found = await send('/guarded/a', { 'x-user': 'mallory' });
      return found.status === 200 ? found : undefined;
    });
    assert.equal((JSON.parse(answer.body) as Echo).headers['x-user'], undefined);
  });

  it('that nobody knows: nobody passes', async () => {
    await plane.apply(CUSTOM.replace('name: words }\n  rules', 'name: strangers }\n  rules'));
    const answer = await until('the new policy', async () => {
      const found = await send('/guarded/a', { 'x-word': 'please' });
      return found.status === 403 ? found : undefined;
    });
    assert.equal(answer.body, 'RBAC: access denied');
    assert.equal((await send('/open')).status, 200);
  });
});
