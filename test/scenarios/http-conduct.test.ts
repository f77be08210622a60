import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import type { AccessLogRecord } from '@rampart/core';
import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

const MEBIBYTE = 1024 * 1024;

/** One request, read to its end. */
interface Exchange {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly trailers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly continued: boolean;
}

interface Call {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pieces?: readonly string[];
}

describe('HTTP goes through the mesh as it would without it', () => {
  let plane: ControlPlaneProcess;
  let service: Workload;
  let client: Laboratory;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    service = await Workload.start(plane, { script: 'conduct.mjs', serviceAccount: 'conduct', service: 'conduct' });
    client = await Laboratory.start(plane, { serviceAccount: 'caller' });
    await client.run(({ http, kept }) => {
      kept['agent'] = new http.Agent({ keepAlive: true, maxSockets: 4 });
    });
    await until('the caller to know the service', async () => (await call({ path: '/none' })).status === 204);
  });

  after(async () => {
    await Promise.all([service.kill(), client.kill()]);
    await plane.stop();
  });

  /** Sends through the one keep-alive agent of the caller. */
  function call(what: Call): Promise<Exchange> {
    return client.run(
      ({ http, kept }, { path, method = 'GET', headers = {}, pieces = [] }: Call) =>
        new Promise<Exchange>((resolve, reject) => {
          let continued = false;
          const agent = kept['agent'] as import('node:http').Agent;
          const request = http.request(`http://conduct${path}`, { method, headers, agent }, (response) => {
            let body = '';
            response.on('data', (chunk: Buffer) => (body += chunk.toString()));
            response.on('end', () =>
              resolve({
                status: response.statusCode,
                headers: response.headers as Record<string, string>,
                trailers: response.trailers,
                body,
                continued,
              }),
            );
            response.on('error', reject);
          });
          request.on('error', reject);
          const send = (): void => {
            for (const piece of pieces) request.write(piece);
            request.end();
          };
          if (headers['expect'] === undefined) {
            send();
            return;
          }
          request.on('continue', () => {
            continued = true;
            send();
          });
          request.flushHeaders();
        }),
      what,
    );
  }

  function recordsOf(path: string): Promise<AccessLogRecord[]> {
    return until(`both records of ${path}`, async () => {
      const found = (await plane.records()).filter((record) => record.request_path === path);
      return found.length >= 2 ? found : undefined;
    });
  }

  async function served(path: string): Promise<AccessLogRecord | undefined> {
    return (await recordsOf(path)).find((record) => record.reporter === 'destination');
  }

  async function asked(path: string): Promise<AccessLogRecord | undefined> {
    return (await recordsOf(path)).find((record) => record.reporter === 'source');
  }

  it('a keep-alive agent uses one connection for many requests', async () => {
    const before = Number((await call({ path: '/connections' })).body);
    for (let index = 0; index < 20; index++) await call({ path: '/sized' });
    assert.equal(Number((await call({ path: '/connections' })).body), before);
  });

  it('fetch reuses its connections too', async () => {
    const counts = await client.run(async () => {
      const seen: string[] = [];
      for (let index = 0; index < 10; index++) seen.push(await (await fetch('http://conduct/connections')).text());
      return seen;
    });
    // undici may open a second connection when the first request ends; after that nothing new is opened.
    assert.equal(new Set(counts.slice(1)).size, 1, counts.join());
  });

  for (const [path, how] of [
    ['/sized', 'with a length'],
    ['/headed', 'after headers that say nothing of its length'],
    ['/measured', 'after headers with its length'],
  ] as const)
    it(`a body is counted that is sent at once, ${how}`, async () => {
      await call({ path: `${path}?once` });
      assert.equal((await served(`${path}?once`))?.bytes_sent, 11);
    });

  it('HEAD has headers and no body', async () => {
    const answer = await call({ method: 'HEAD', path: '/sized?head' });
    assert.deepEqual([answer.status, answer.headers['content-length'], answer.body], [200, '11', '']);
    assert.equal((await served('/sized?head'))?.bytes_sent, 0);
    assert.equal((await asked('/sized?head'))?.bytes_sent, 0, 'no body was received');
  });

  for (const [path, status] of [
    ['/none', 204],
    ['/not-modified', 304],
    ['/unknown', 404],
  ] as const) {
    it(`${status} passes and leaves the connection usable`, async () => {
      assert.deepEqual(pick(await call({ path: `${path}?seen` })), [status, '']);
      assert.equal((await call({ path: '/sized' })).body, 'hello world');
      const records = await recordsOf(`${path}?seen`);
      assert.deepEqual(
        records.map((record) => [record.response_code, record.response_flags]),
        [
          [status, '-'],
          [status, '-'],
        ],
      );
    });
  }

  it('Expect: 100-continue is answered by the application', async () => {
    const accepted = await call({
      method: 'POST',
      path: '/upload',
      headers: { expect: '100-continue' },
      pieces: ['abc'],
    });
    assert.deepEqual([accepted.status, accepted.continued], [200, true]);
    const refused = await call({
      method: 'POST',
      path: '/upload',
      headers: { expect: '100-continue', 'x-wanted': 'no' },
    });
    assert.deepEqual([refused.status, refused.continued], [417, false]);
  });

  it('an expectation met by the application itself is one request, recorded once', async () => {
    await call({ method: 'POST', path: '/upload?once', headers: { expect: '100-continue' }, pieces: ['abc'] });
    await recordsOf('/upload?once');
    await call({ path: '/sized?after-once' });
    await recordsOf('/sized?after-once');
    assert.equal((await recordsOf('/upload?once')).length, 2);
  });

  it('early hints and trailers reach the caller', async () => {
    assert.deepEqual((await call({ path: '/trailers' })).trailers, { digest: 'abc' });
    assert.equal((await call({ path: '/early' })).body, 'late');
  });

  it('a chunked upload arrives with its trailers', async () => {
    const body = await client.run(
      ({ http }) =>
        new Promise<string>((resolve, reject) => {
          const request = http.request(
            'http://conduct/upload?trailers',
            { method: 'POST', headers: { trailer: 'digest' } },
            (response) => {
              response.on('data', (chunk: Buffer) => resolve(chunk.toString()));
            },
          );
          request.on('error', reject);
          request.write('one');
          request.addTrailers({ digest: 'xyz' });
          request.end('two');
        }),
    );
    assert.deepEqual(JSON.parse(body), { bytes: 6, several: true, trailers: { digest: 'xyz' } });
  });

  it('server-sent events arrive while the response is still open', async () => {
    const seen = await client.run(async () => {
      const response = await fetch('http://conduct/hold?key=sse');
      const reader = response.body?.getReader();
      const text = new TextDecoder();
      const next = async (): Promise<string | undefined> => {
        const piece = (await reader?.read()) as { value?: Uint8Array } | undefined;
        return piece?.value === undefined ? undefined : text.decode(piece.value);
      };
      const first = await next();
      // Only now, with the first event read, is the server told to go on.
      await fetch('http://conduct/release?key=sse');
      let rest = '';
      for (let piece = await next(); piece !== undefined; piece = await next()) rest += piece;
      return [first, rest];
    });
    assert.deepEqual(seen, ['data: first\n\n', 'data: last\n\n']);
    const record = await served('/hold?key=sse');
    assert.deepEqual([record?.response_flags, record?.bytes_sent], ['-', 25]);
  });

  it('a request body arrives while it is still being written, and is answered piece by piece', async () => {
    const pieces = await client.run(async ({ http, events }) => {
      const request = http.request('http://conduct/mirror', { method: 'POST' });
      request.write('ping');
      const [response] = (await events.once(request, 'response')) as [import('node:http').IncomingMessage];
      const [first] = (await events.once(response, 'data')) as [Buffer];
      request.end('pong');
      const [second] = (await events.once(response, 'data')) as [Buffer];
      return [first.toString(), second.toString()];
    });
    assert.deepEqual(pieces, ['ping', 'pong']);
  });

  it('200 MB go up and 200 MB come down without being held in memory', async () => {
    const size = 200 * MEBIBYTE;
    const outcome = await client.run(async ({ http, stream }, bytes: number) => {
      const memory = async (): Promise<number> => Number(await (await fetch('http://conduct/memory')).text());
      const before = { own: process.memoryUsage().rss, other: await memory() };
      let peak = { own: 0, other: 0 };
      const chunk = new Uint8Array(64 * 1024);
      const upload = await new Promise<string>((resolve, reject) => {
        const request = http.request('http://conduct/upload?big', { method: 'PUT' }, (response) => {
          response.on('data', (text: Buffer) => resolve(text.toString()));
        });
        request.on('error', reject);
        stream
          .pipeline(function* (): Generator<Uint8Array> {
            for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk;
          }, request)
          .catch(reject);
      });
      const response = await fetch(`http://conduct/download?bytes=${bytes}`);
      let received = 0;
      for await (const part of response.body ?? []) {
        if (received === 0) {
          // Nothing is read for as long as this takes: the sender has to wait, not to pile up.
          peak = { own: process.memoryUsage().rss, other: await memory() };
        }
        received += part.byteLength;
      }
      return { upload, received, grown: Math.max(peak.own - before.own, peak.other - before.other) };
    }, size);
    assert.equal((JSON.parse(outcome.upload) as { bytes: number }).bytes, size);
    assert.equal(outcome.received, size);
    assert.ok(outcome.grown < 100 * MEBIBYTE, `one side grew by ${outcome.grown} bytes`);
    const up = await served('/upload?big');
    assert.ok(up?.bytes_received === size, String(up?.bytes_received));
    assert.equal((await asked('/upload?big'))?.bytes_received, size);
    assert.equal((await served(`/download?bytes=${size}`))?.bytes_sent, size);
    assert.equal((await asked(`/download?bytes=${size}`))?.bytes_sent, size);
  });

  it('a caller that gives up is seen by the application and recorded as gone', async () => {
    for (const [client, path] of [
      ['http', '/hold?key=abort-http'],
      ['fetch', '/hold?key=abort-fetch'],
    ] as const) {
      // Without the mesh, a response of `http` that is cut off so ends with the error "aborted".
      assert.match(await aborted(client, path), /^(?:AbortError|aborted)$/);
      await until('the application to notice', async () =>
        (JSON.parse((await call({ path: '/fates' })).body) as Record<string, string[]>)[path]?.includes('closed'),
      );
      const there = await served(path);
      assert.deepEqual([there?.response_code, there?.response_flags], [200, 'DC']);
      const here = await asked(path);
      assert.deepEqual([here?.response_code, here?.response_flags], [200, 'DC']);
    }
  });

  it('a timeout by AbortSignal before any answer is recorded with code 0', async () => {
    for (const [client, path] of [
      ['http', '/silent?http'],
      ['fetch', '/silent?fetch'],
    ] as const) {
      assert.match(await aborted(client, path), /^(?:AbortError|TimeoutError)$/);
      const there = await served(path);
      assert.deepEqual([there?.response_code, there?.response_flags], [0, 'DC']);
      const here = await asked(path);
      assert.deepEqual([here?.response_code, here?.response_flags], [0, 'DC']);
    }
    const fates = JSON.parse((await call({ path: '/fates' })).body) as Record<string, string[]>;
    assert.deepEqual(
      fates['/silent?http'],
      ['aborted', 'error', 'closed'].filter((word) => fates['/silent?http']?.includes(word)),
    );
  });

  /** Calls, and gives up: after the first bytes of an answer on /hold, after a moment without one elsewhere. */
  function aborted(how: string, path: string): Promise<string> {
    return client.run(
      async ({ http, events }, { how: by, path: where }: { how: string; path: string }) => {
        const controller = new AbortController();
        const signal = where.startsWith('/hold') ? controller.signal : AbortSignal.timeout(100);
        const nameOf = (cause: unknown): string => {
          const { name, message } = cause as Error;
          return name === 'Error' ? message : name;
        };
        try {
          if (by === 'fetch') {
            const response = await fetch(`http://conduct${where}`, { signal });
            const reader = response.body?.getReader();
            await reader?.read();
            controller.abort();
            await reader?.read();
          } else {
            const request = http.get(`http://conduct${where}`, { signal });
            const [response] = (await events.once(request, 'response')) as [import('node:http').IncomingMessage];
            await events.once(response, 'data');
            controller.abort();
            await events.once(response, 'end');
          }
          return 'nothing';
        } catch (cause) {
          return nameOf(cause);
        }
      },
      { how, path },
    );
  }

  for (const path of ['/half', '/reset']) {
    for (const how of ['http', 'fetch'] as const) {
      it(`a service that breaks off (${path}, ${how}) fails the call once and is recorded as such`, async () => {
        const where = `${path}?${how}`;
        const failures = await client.run(
          async ({ http }, { how: by, path: place }: { how: string; path: string }) => {
            const seen: string[] = [];
            const note = (cause: unknown): void => {
              const { code, cause: inner } = cause as { code?: string; cause?: { code?: string } };
              seen.push(String(inner?.code ?? code));
            };
            if (by === 'fetch')
              await fetch(`http://conduct${place}`)
                .then((response) => response.text())
                .catch(note);
            else {
              await new Promise<void>((resolve) => {
                const request = http.get(`http://conduct${place}`, (response) => response.on('error', note).resume());
                request.on('error', note).on('close', () => setImmediate(resolve));
              });
            }
            return seen;
          },
          { how, path: where },
        );
        assert.equal(failures.length, 1, failures.join());
        assert.match(failures[0] ?? '', /^(?:ECONNRESET|UND_ERR_SOCKET)$/);
        const here = await asked(where);
        assert.deepEqual([here?.response_code, here?.response_flags], [path === '/half' ? 200 : 0, 'UC']);
        assert.notEqual(here?.reason, '');
      });
    }
  }
});

function pick(answer: Exchange): [number | undefined, string] {
  return [answer.status, answer.body];
}
