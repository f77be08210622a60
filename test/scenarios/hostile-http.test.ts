import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

const IDENTITY = 'spiffe://cluster.local/ns/default/sa/caller';

/** GET below /api/ and on the host "echo" only; the door to everything else is closed. */
const POLICY = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: echo-policy, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  action: ALLOW
  rules:
  - from: [{ source: { principals: ["cluster.local/ns/default/sa/caller"] } }]
    to: [{ operation: { methods: ["GET", "POST"], paths: ["/api/*"], hosts: ["echo"] } }]
    when: [{ key: "request.headers[x-blocked]", notValues: ["yes"] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: echo-certificates, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  action: DENY
  rules:
  - to: [{ operation: { paths: ["/api/not-with-this-certificate"] } }]
    when: [{ key: "request.headers[x-forwarded-client-cert]", values: ["*;URI=${IDENTITY}"] }]
  - to: [{ operation: { paths: ["/api/only-with-this-certificate"] } }]
    when: [{ key: "request.headers[x-forwarded-client-cert]", notValues: ["*;URI=${IDENTITY}"] }]
  - to: [{ operation: { paths: ["/api/not-with-a-request-id"] } }]
    when: [{ key: "request.headers[x-request-id]", values: ["*"] }]
`;

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly views: { readonly raw: readonly string[]; readonly distinct: Readonly<Record<string, readonly string[]>> };
}

describe('requests that try to mean two things', () => {
  let plane: ControlPlaneProcess;
  let echo: Workload;
  let caller: Laboratory;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}---\n${POLICY}`);
    echo = await Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' });
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
    await until('the caller to know echo', () =>
      caller.run(() => fetch('http://echo/api/').then((response) => response.ok)),
    );
  });

  after(async () => {
    await Promise.all([echo.kill(), caller.kill()]);
    await plane.stop();
  });

  /** Sends bytes as they are over a connection that the mesh makes and authenticates; resolves with everything that comes back. */
  function raw(text: string): Promise<string> {
    return caller.run(
      ({ net }, bytes: string) =>
        new Promise<string>((resolve) => {
          let answer = '';
          const socket = net.connect({ host: 'echo', port: 80 });
          socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
          socket.on('error', () => {});
          socket.on('close', () => resolve(answer));
          socket.write(bytes, 'latin1');
        }),
      text,
    );
  }

  const get = (target: string, headers: readonly string[] = []): string =>
    [`GET ${target} HTTP/1.1`, 'host: echo', 'connection: close', ...headers, '', ''].join('\r\n');

  const statuses = (answer: string): string[] =>
    [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? '');
  const echoOf = (answer: string): Echo =>
    JSON.parse(
      answer
        .slice(answer.indexOf('\r\n\r\n') + 4)
        .replace(/^[^{]*/, '')
        .replace(/[^}]*$/, ''),
    ) as Echo;

  it('requests sent in one go are judged one by one, answered in order and recorded each', async () => {
    const keep = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: echo\r\n\r\n`;
    const answer = await raw(
      keep('/api/1?pipelined') + keep('/admin?pipelined') + keep('/api/3?pipelined') + get('/api/4?pipelined'),
    );
    assert.deepEqual(statuses(answer), ['200', '403', '200', '200']);
    const records = await until('four records', async () => {
      const found = (await plane.records()).filter((record) => record.request_path.endsWith('?pipelined'));
      return found.length === 4 ? found : undefined;
    });
    const seen = records.map(
      (record) => `${record.request_path} ${record.authorization_decision} ${record.response_code}`,
    );
    assert.deepEqual(seen.toSorted(), [
      '/admin?pipelined DENY 403',
      '/api/1?pipelined ALLOW 200',
      '/api/3?pipelined ALLOW 200',
      '/api/4?pipelined ALLOW 200',
    ]);
  });

  describe('paths: policy and application see the same one', () => {
    const table: readonly (readonly [target: string, status: string, url?: string])[] = [
      ['/api/x', '200', '/api/x'],
      ['/api/../admin', '403'],
      ['/api/%2e%2e/admin', '403'],
      ['/api/.%2E/admin', '403'],
      ['/api\\..\\admin', '403'],
      ['/x/..\\api/y', '200', '/api/y'],
      ['/%61pi/x', '200', '/api/x'],
      ['/api/x%00', '400'],
      ['/api/%00/../../admin', '400'],
      ['//api/x', '403'],
      ['/admin?/api/x', '403'],
      ['/admin#/api/x', '400'],
      ['/API/x', '403'],
      ['/api', '403'],
      ['admin', '400'],
      ['*', '400'],
      ['echo:80', '400'],
      ['http:///api/x', '400'],
      ['http://echo\\@other/api/x', '400'],
      ['ftp://echo/api/x', '400'],
      ['http://echo/api/../admin', '403'],
      ['/api/%252e%252e/admin', '200', '/api/%252e%252e/admin'],
      ['/api%2f..%2fadmin', '403'],
      ['/api/..%2fadmin', '200', '/api/..%2fadmin'],
      ['/api/%c0%ae%c0%ae/admin', '200', '/api/%c0%ae%c0%ae/admin'],
      [`/api${'/..'.repeat(4000)}/admin`, '403'],
      [`/api/${'%2e%2e/'.repeat(2000)}admin`, '403'],
      ['/api/x?y=/../../admin', '200', '/api/x?y=/../../admin'],
    ];
    for (const [target, status, url] of table) {
      it(`${target.slice(0, 40)} → ${status}`, async () => {
        const answer = await raw(get(target));
        assert.deepEqual(statuses(answer), [status], answer);
        if (url !== undefined) assert.equal(echoOf(answer).url, url);
      });
    }
  });

  describe('authorities: the host that policy judges is the host the application sees', () => {
    it('another Host is not the host of the policy', async () => {
      assert.deepEqual(statuses(await raw('GET /api/x HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n')), ['403']);
    });

    it('two Host headers never widen the decision', async () => {
      for (const [first, second] of [
        ['echo', 'other'],
        ['other', 'echo'],
      ]) {
        const answer = await raw(
          `GET /api/x HTTP/1.1\r\nhost: ${first}\r\nhost: ${second}\r\nconnection: close\r\n\r\n`,
        );
        assert.deepEqual(statuses(answer), ['400'], answer);
      }
    });

    it('the authority of an absolute target counts, and replaces Host (RFC 9112 §3.2.2)', async () => {
      assert.deepEqual(statuses(await raw(get('http://other/api/x'))), ['403']);
      const answer = await raw('GET http://echo/api/x HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n');
      assert.deepEqual(statuses(answer), ['200'], answer);
      assert.equal(echoOf(answer).headers['host'], 'echo');
      assert.doesNotMatch(answer, /other/);
      assert.equal(echoOf(answer).url, '/api/x');
    });

    const NO_HOSTS = [
      'u@echo',
      'echo/x',
      'echo?x',
      'echo#x',
      'echo\\x',
      'echo, other',
      '%65cho',
      '[echo]',
      'echo:80:80',
      'echo:a',
    ];
    for (const host of NO_HOSTS) {
      it(`Host: ${host} is no host (RFC 9110 §7.2)`, async () => {
        const text = `GET /api/x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
        assert.deepEqual(statuses(await raw(text)), ['400']);
      });
    }

    for (const host of ['', 'other:', 'other:8080', '[::1]:80', '127.0.0.1', 'a_b.c-d~']) {
      it(`Host: ${host} is one, though not the policy's`, async () => {
        const text = `GET /api/x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
        assert.deepEqual(statuses(await raw(text)), ['403']);
      });
    }

    it('each request on a connection has a Host of its own, and it is judged', async () => {
      const lines = (host: string): string => `GET /api/x HTTP/1.1\r\nhost: ${host}\r\n`;
      const last = `${lines('u@echo')}connection: close\r\n\r\n`;
      const texts = ['echo', 'other', 'echo'].map((host) => `${lines(host)}\r\n`);
      assert.deepEqual(statuses(await raw([...texts, last].join(''))), ['200', '403', '200', '400']);
    });

    it('credentials in an absolute target do not pass for a host', async () => {
      assert.deepEqual(statuses(await raw(get('http://echo@other/api/x'))), ['400']);
    });
  });

  describe('framing and methods', () => {
    it('Content-Length beside Transfer-Encoding is no request (RFC 9112 §6.1)', async () => {
      const smuggle =
        'POST /api/x HTTP/1.1\r\nhost: echo\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nhost: echo\r\n\r\n';
      assert.deepEqual(statuses(await raw(smuggle)), ['400']);
    });

    it('what Node itself refuses to read is on record, whole requests or not', async () => {
      const head = 'POST /api/unread HTTP/1.1\r\nhost: echo\r\n';
      await Promise.all([
        raw(`${head}content-length: 4\r\ncontent-length: 5\r\n\r\nabcde`),
        raw(`${head}x: ${'a'.repeat(20_000)}\r\n\r\n`),
        raw(`${head}transfer-encoding: chunked\r\n\r\nno length\r\n`),
      ]);
      const records = await until('three records', async () => {
        const all = await plane.records();
        const found = all.filter((one) => one.response_flags === 'DPE' && one.source_principal === IDENTITY);
        const seen = found.map((one) => `${one.response_code} ${one.request_path} ${one.reason}`);
        return seen.some((text) => text.startsWith('431')) && seen.some((text) => text.includes('unread')) && seen;
      });
      for (const expected of [
        /^400 {2}Parse Error: .*Content-Length/,
        /^431 {2}Parse Error: Header overflow$/,
        /^400 \/api\/unread Parse Error: Invalid character in chunk size$/,
      ])
        assert.ok(
          records.some((text) => expected.test(text)),
          `${String(expected)}: ${records.join('; ')}`,
        );
    });

    it('a caller that asks first is invited to send its body once it may, and never where it may not', async () => {
      const post = (target: string): string =>
        `POST ${target} HTTP/1.1\r\nhost: echo\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n`;
      assert.deepEqual(statuses(await raw(post('/admin'))), ['403']);
      assert.deepEqual(statuses(await raw(post('/api/%00'))), ['400']);
      const answer = await raw(`${post('/api/x')}ab`);
      assert.deepEqual(statuses(answer), ['100', '200'], answer);
    });

    it('two different Content-Lengths are no request', async () => {
      const text = 'POST /api/x HTTP/1.1\r\nhost: echo\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde';
      assert.deepEqual(statuses(await raw(text)), ['400']);
    });

    it('a method in lower case is another method', async () => {
      const [status] = statuses(await raw(get('/api/x').replace('GET', 'get')));
      assert.match(status ?? 'closed', /^(?:400|403|closed)$/);
    });

    it('OPTIONS * is a request of its own, for policies to name (RFC 9112 §3.2.4)', async () => {
      assert.deepEqual(statuses(await raw(get('*').replace('GET', 'OPTIONS'))), ['403']);
    });

    it('CONNECT is no way around the path rules', async () => {
      const [status] = statuses(await raw('CONNECT /api/x HTTP/1.1\r\nhost: echo\r\n\r\n'));
      assert.match(status ?? 'closed', /^(?:400|403|closed)$/);
    });
  });

  describe('headers that only the mesh may set', () => {
    it('a forged X-Forwarded-Client-Cert never reaches the application, in whatever case and however often', async () => {
      const forged = 'By=spiffe://cluster.local/ns/default/sa/echo;URI=spiffe://cluster.local/ns/default/sa/admin';
      const answer = await raw(
        get('/api/x', [
          `X-FORWARDED-client-cert: ${forged}`,
          `x-forwarded-client-cert: ${forged}`,
          `X-Forwarded-Client-Cert: ${forged}`,
        ]),
      );
      const { headers } = echoOf(answer);
      assert.equal(headers['x-forwarded-client-cert'], `By=spiffe://cluster.local/ns/default/sa/echo;URI=${IDENTITY}`);
      assert.doesNotMatch(answer, /sa\/admin/);
    });

    it('forged claims are gone from every view that Node gives of the headers', async () => {
      const forged = 'x-forwarded-client-cert: URI=spiffe://cluster.local/ns/default/sa/admin';
      const answer = await raw(get('/api/views', [forged, forged, forged, 'x-last: kept']));
      assert.deepEqual(statuses(answer), ['200'], answer);
      const { views } = echoOf(answer);
      assert.doesNotMatch(JSON.stringify(views), /sa\/admin/);
      assert.deepEqual(views.distinct['x-last'], ['kept']);
      assert.equal(views.raw.filter((each) => each.toLowerCase() === 'x-forwarded-client-cert').length, 1);
    });

    it('nor does it under the name that frameworks would fold into it', async () => {
      const answer = await raw(
        get('/api/x', ['x_forwarded_client_cert: URI=spiffe://cluster.local/ns/default/sa/admin']),
      );
      assert.equal(
        echoOf(answer).headers['x-forwarded-client-cert'],
        `By=spiffe://cluster.local/ns/default/sa/echo;URI=${IDENTITY}`,
      );
    });

    it('policies see the certificate that the mesh speaks of, and never one that the caller does', async () => {
      const forged = 'x-forwarded-client-cert: URI=spiffe://cluster.local/ns/default/sa/admin';
      for (const headers of [[], [forged], [forged, forged]]) {
        const statusOf = async (path: string): Promise<string | undefined> =>
          statuses(await raw(get(path, headers)))[0];
        assert.equal(await statusOf('/api/not-with-this-certificate'), '403');
        assert.equal(await statusOf('/api/only-with-this-certificate'), '200');
      }
    });

    it('policies see the request id that the mesh gives to requests without one', async () => {
      assert.deepEqual(statuses(await raw(get('/api/not-with-a-request-id'))), ['403']);
    });

    for (const [what, value] of [
      ['spaces', 'abc def'],
      ['quotes and braces', '{"a":"b"}'],
      ['control characters', 'abc\u0001def'],
      ['bytes that are no ASCII', 'abc\u00e4'],
      ['more than 128 characters', 'a'.repeat(129)],
    ] as const) {
      it(`a request id with ${what} is not taken into the log`, async () => {
        const target = `/api/id?${what.replaceAll(' ', '-')}`;
        const answer = await raw(get(target, [`x-request-id: ${value}`]));
        if (statuses(answer)[0] === '400') return;
        const record = await until('the record', async () =>
          (await plane.records()).find((each) => each.request_path === target),
        );
        assert.match(record.request_id, /^[0-9a-f]{32}$/);
      });
    }

    it('two request ids are none', async () => {
      const target = '/api/id?two';
      await raw(get(target, ['x-request-id: one', 'x-request-id: two']));
      const record = await until('the record', async () =>
        (await plane.records()).find((each) => each.request_path === target),
      );
      assert.match(record.request_id, /^[0-9a-f]{32}$/);
    });
  });

  it('nothing of the above reached the application outside /api/', async () => {
    const wrong = (await plane.records()).filter(
      (record) =>
        record.authorization_decision === 'ALLOW' &&
        record.reporter === 'destination' &&
        record.source_principal !== IDENTITY,
    );
    assert.deepEqual(wrong, []);
  });
});
