import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

const WITHIN_A_SECOND = 1_000;

/** What one connection, held open by the caller, has said so far. */
interface Line {
  readonly text: string;
  readonly closed: boolean;
}

/** Control plane, service "echo", and a caller that holds connections open and writes requests on them by hand. */
class Scene {
  readonly plane: ControlPlaneProcess;
  readonly echo: Workload;
  readonly caller: Laboratory;

  private constructor(plane: ControlPlaneProcess, echo: Workload, caller: Laboratory) {
    this.plane = plane;
    this.echo = echo;
    this.caller = caller;
  }

  static async set(workloadTtl?: string): Promise<Scene> {
    const plane = await ControlPlaneProcess.start(workloadTtl === undefined ? {} : { workloadTtl });
    await plane.apply(STRICT);
    const echo = await Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' });
    const caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
    await until('echo to be known', () =>
      caller.run(() =>
        fetch('http://echo/api/')
          .then((response) => response.ok)
          .catch(() => undefined),
      ),
    );
    return new Scene(plane, echo, caller);
  }

  async strike(): Promise<void> {
    await Promise.all([this.echo.kill(), this.caller.kill()]);
    await this.plane.stop();
  }

  open(name: string): Promise<void> {
    return this.caller.run(({ net, kept }, key: string) => {
      const socket = net.connect({ host: 'echo', port: 80 });
      const line = { text: '', closed: false };
      socket.on('data', (chunk) => (line.text += chunk.toString('latin1')));
      socket.on('error', () => {}).on('close', () => (line.closed = true));
      kept[key] = { socket, line };
    }, name);
  }

  /** Writes one request on the connection; resolves with what the connection has said when an answer, or its end, is there. */
  async ask(name: string, path = '/api/x'): Promise<Line> {
    const seen = (await this.line(name)).text.length;
    await this.caller.run(
      ({ kept }, { key, target }: { key: string; target: string }) => {
        const { socket } = kept[key] as { socket: import('node:net').Socket };
        if (socket.writable) socket.write(`GET ${target} HTTP/1.1\r\nhost: echo\r\n\r\n`);
      },
      { key: name, target: path },
    );
    return until('an answer', async () => {
      const line = await this.line(name);
      const text = line.text.slice(seen);
      return text.includes('\r\n\r\n') || line.closed ? { text, closed: line.closed } : undefined;
    });
  }

  line(name: string): Promise<Line> {
    return this.caller.run(({ kept }, key: string) => (kept[key] as { line: Line }).line, name);
  }
}

describe('connections that are open when the rules change', () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.set();
  });

  after(() => scene.strike());

  it('a path that is not allowed any more is denied on the open connection, within a second', async () => {
    await scene.open('paths');
    assert.match((await scene.ask('paths', '/other')).text, /^HTTP\/1\.1 200/);
    await scene.plane.apply(allowOnly('echo', 'caller'));
    await until(
      'the denial',
      async () => (await scene.ask('paths', '/other')).text.startsWith('HTTP/1.1 403'),
      WITHIN_A_SECOND,
    );
    assert.match(
      (await scene.ask('paths', '/api/x')).text,
      /^HTTP\/1\.1 200/,
      'the connection goes on for what is allowed',
    );
  });

  it('a caller that may do nothing any more is cut off, within a second', async () => {
    await scene.open('denied');
    assert.match((await scene.ask('denied')).text, /^HTTP\/1\.1 200/);
    await scene.plane.apply(`apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: echo-deny, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  action: DENY
  rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/caller"] } }] }]
`);
    await until('the connection to be closed', async () => (await scene.line('denied')).closed, WITHIN_A_SECOND);
    const refusal = await until('the reason on record', async () =>
      (await scene.plane.refusals()).find((each) => each.kind === 'policy_denied'),
    );
    assert.equal(refusal.peer, 'spiffe://cluster.local/ns/default/sa/caller');
    await scene.plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'echo-deny' });
    await until('the caller to be let in again', () =>
      scene.caller.run(() =>
        fetch('http://echo/api/')
          .then((response) => response.ok)
          .catch(() => undefined),
      ),
    );
  });

  it('plaintext that was let in is cut off when STRICT comes', async () => {
    const permissive = STRICT.replace('STRICT', 'PERMISSIVE');
    await scene.plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'echo-policy' });
    await scene.plane.apply(permissive);
    const controller = new AbortController();
    const { connect } = await import('node:net');
    const socket = await until('plaintext to be let in', async () => {
      const attempt = connect(scene.echo.port, '127.0.0.1');
      attempt.on('error', () => {});
      attempt.write('GET /api/x HTTP/1.1\r\nhost: echo\r\n\r\n');
      const answered = await new Promise<boolean>((resolve) => {
        attempt.once('data', () => resolve(true)).once('close', () => resolve(false));
      });
      return answered ? attempt : undefined;
    });
    await scene.plane.apply(STRICT);
    await until('it to be closed', () => socket.closed, WITHIN_A_SECOND);
    controller.abort();
  });

  it('a revoked certificate loses its open connections, and opens no new ones', async () => {
    await scene.open('revoked');
    assert.match((await scene.ask('revoked')).text, /^HTTP\/1\.1 200/);
    const { certificates } = await scene.plane.admin.listCertificates({
      spiffeId: 'spiffe://cluster.local/ns/default/sa/caller',
      limit: 10,
    });
    for (const { serial } of certificates) await scene.plane.admin.revokeCertificate({ serial, reason: 'stolen' });
    await until('the connection to be closed', async () => (await scene.line('revoked')).closed, WITHIN_A_SECOND);
    const answer = await scene.caller.run(() =>
      fetch('http://echo/api/')
        .then((response) => String(response.status))
        .catch(() => 'failed'),
    );
    assert.equal(answer, 'failed');
    const refusal = await until('the reason on record', async () =>
      (await scene.plane.refusals()).find((each) => each.reason.includes('REVOKED')),
    );
    assert.equal(refusal.kind, 'certificate_rejected');
  });
});

describe('a service whose identity is revoked', () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.set();
  });

  after(() => scene.strike());

  it('is let go by its callers, who call it no more until it is attested anew', async () => {
    await scene.open('served');
    assert.match((await scene.ask('served')).text, /^HTTP\/1\.1 200/);
    const spiffeId = 'spiffe://cluster.local/ns/default/sa/echo';
    const { dataPlanes } = await scene.plane.revocations.revoke({ spiffeId, reason: 'keyCompromise' });
    assert.deepEqual(
      dataPlanes.map(({ services }) => services),
      [['echo.default.svc']],
    );
    await until('the connection to be closed', async () => (await scene.line('served')).closed, WITHIN_A_SECOND);
    const call = (): Promise<string> =>
      scene.caller.run(() =>
        fetch('http://echo/api/')
          .then((response) => String(response.status))
          .catch((error: Error) => (error.cause as Error | undefined)?.message ?? error.message),
      );
    assert.match(await call(), /revoked \(keyCompromise\)|no instance/);
    await scene.echo.kill();
    const again = await Workload.start(scene.plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' });
    await until('the new instance to answer', async () => ((await call()) === '200' ? true : undefined));
    await again.kill();
  });
});

describe('a connection older than its certificate should be', () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.set('6s');
  });

  after(() => scene.strike());

  it('is asked to close before the certificate ends, and never served after that', async () => {
    await scene.open('old');
    const last = await until('the request to come back on a new connection', async () => {
      const answer = await scene.ask('old');
      if (answer.closed && answer.text === '') return answer;
      assert.match(answer.text, /^HTTP\/1\.1 200/);
      return /connection: close/i.test(answer.text) ? answer : undefined;
    });
    assert.match(last.text, /connection: close/i);
    await until('the connection to be closed', async () => (await scene.line('old')).closed);
  });
});
