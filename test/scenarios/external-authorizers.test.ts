import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import type { AccessLogRecord } from '@rampart/core';
import { until } from '@rampart/testkit';

import { DENY_BODY, SampleAuthorizer } from '../harness/authorizer.ts';
import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string;
}

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly bytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

interface Question {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Every CUSTOM policy of this file; one at a time, because a workload may have one provider. */
const custom = (provider: string): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ask, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  action: CUSTOM
  provider: { name: ${provider} }
  rules:
  - to: [{ operation: { notPaths: ["/public/*"] } }]
`;

const LIMITS = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: never, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  action: DENY
  rules:
  - to: [{ operation: { paths: ["/forbidden"] } }]
  - to: [{ operation: { paths: ["/checked-header"] } }]
    when: [{ key: "request.headers[x-ext-authz-check-result]", notValues: [allowed] }]
`;

describe('a service under CUSTOM', () => {
  let plane: ControlPlaneProcess;
  let sample: SampleAuthorizer;
  let echo: Workload;
  let caller: Laboratory;
  let inside: Workload;

  /** `transport` is "Http" or "Grpc"; further settings follow in the same line. */
  const provider = (name: string, transport: string, settings: string): string => {
    // Long enough for a busy machine, where the test does not wait for it to be over.
    const timeout = name.startsWith('open-') ? '2s' : '60s';
    return `  - name: ${name}\n    envoyExtAuthz${transport}: { service: 127.0.0.1, timeout: ${timeout}, ${settings} }\n`;
  };

  const meshConfig = (): string => {
    const lists =
      'includeRequestHeadersInCheck: [x-ext-authz, x-forwarded-client-cert], includeAdditionalHeadersInCheck: { x-ext-authz-additional-header-override: fixed }, ' +
      'headersToUpstreamOnAllow: [x-ext-authz-check-*, x-ext-authz-additional-header-override], ' +
      'headersToDownstreamOnAllow: [set-cookie], headersToDownstreamOnDeny: [x-ext-authz-check-*]';
    const body = 'includeRequestBodyInCheck: { maxRequestBytes: 16 }';
    return [
      'apiVersion: rampart.dev/v1\nkind: MeshConfig\nmetadata: { name: default, namespace: istio-system }\nspec:\n  extensionProviders:\n',
      provider('over-http', 'Http', `port: ${sample.httpPort}, ${lists}`),
      provider('over-grpc', 'Grpc', `port: ${sample.grpcPort}`),
      provider('body-http', 'Http', `port: ${sample.httpPort}, ${lists}, ${body}`),
      provider('body-grpc', 'Grpc', `port: ${sample.grpcPort}, ${body}`),
      provider('open-http', 'Http', `port: ${sample.httpPort}, ${lists}, failOpen: true`),
      provider('open-grpc', 'Grpc', `port: ${sample.grpcPort}, failOpen: true`),
      provider('status-http', 'Http', `port: ${sample.httpPort}, statusOnError: "503"`),
      provider('status-grpc', 'Grpc', `port: ${sample.grpcPort}, statusOnError: "503"`),
      provider('nobody-http', 'Http', 'port: 1'),
      provider('nobody-grpc', 'Grpc', 'port: 1'),
      `  - name: in-the-mesh\n    envoyExtAuthzHttp: { service: default/gatekeeper.default.svc.cluster.local, port: ${inside.port}, includeRequestHeadersInCheck: [x-ext-authz], headersToUpstreamOnAllow: [x-seen] }\n`,
    ].join('');
  };

  const call = ({ path = '/orders', method = 'GET', headers = {}, body }: Question): Promise<Answer> =>
    caller.run(
      async ({ undici }, question) => {
        const { url, ...rest } = question;
        const response = await undici.fetch(url, rest);
        return {
          status: response.status,
          headers: Object.fromEntries(response.headers),
          cookies: response.headers.getSetCookie(),
          body: await response.text(),
        };
      },
      { url: `http://echo${path}`, method, headers, ...(body === undefined ? {} : { body }) },
    );
  const ALLOW = { 'x-ext-authz': 'allow' };

  /** Makes a provider the one that is asked, and waits until the service knows. */
  const ask = async (name: string): Promise<void> => {
    const { revision } = await plane.admin.apply({ document: custom(name), file: 'custom.yaml' });
    await until(`revision ${revision} to be enforced`, async () => {
      const { planes } = await plane.admin.getStatus({});
      return planes.every(({ ackedRevision }) => ackedRevision >= revision);
    });
  };
  const destinationRecord = (requestId: string): Promise<AccessLogRecord> =>
    until(`the record of ${requestId}`, async () =>
      (await plane.records()).find((each) => each.request_id === requestId && each.reporter === 'destination'),
    );
  const echoOf = (answer: Answer): Echo => {
    assert.equal(answer.status, 200, JSON.stringify(answer));
    return JSON.parse(answer.body) as Echo;
  };

  before(async () => {
    sample = await SampleAuthorizer.start();
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    [echo, inside, caller] = await Promise.all([
      Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' }),
      Workload.start(plane, { script: 'gatekeeper.mjs', serviceAccount: 'gatekeeper', service: 'gatekeeper' }),
      Laboratory.start(plane, { serviceAccount: 'caller' }),
    ]);
    await plane.apply(`${meshConfig()}---\n${LIMITS}`);
    await until(
      'echo to be known',
      async () => (await call({ path: '/public/x' }).catch(() => undefined))?.status === 200,
    );
  });

  afterEach(() => {
    sample.conduct = 'answers';
  });

  after(async () => {
    sample.stop();
    await Promise.all([echo.kill(), inside.kill(), caller.kill()]);
    await plane.stop();
  });

  for (const transport of ['http', 'grpc'] as const) {
    const asked = (): number => (transport === 'http' ? sample.overHttp.length : sample.overGrpc.length);

    describe(`that is asked over ${transport}`, () => {
      before(() => ask(`over-${transport}`));

      it('lets pass what the authorizer allows, with the headers that it sets', async () => {
        const spoofed = { 'x-ext-authz-check-result': 'spoofed', 'x-ext-authz-additional-header-override': 'spoofed' };
        const answer = await call({ path: '/orders?x=1', headers: { ...ALLOW, ...spoofed } });
        const { headers, url } = echoOf(answer);
        assert.equal(url, '/orders?x=1');
        assert.equal(headers['x-ext-authz-check-result'], 'allowed');
        assert.equal(headers['x-ext-authz-check-received'], 'GET /orders?x=1 []');
        const override = transport === 'http' ? 'fixed' : 'grpc-additional-header-override-value';
        assert.equal(headers['x-ext-authz-additional-header-override'], override);
        assert.deepEqual(answer.cookies, ['session=1', 'theme=dark']);
      });

      it('tells the authorizer who calls, whatever the caller says', async () => {
        echoOf(
          await call({ headers: { ...ALLOW, 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/a/sa/admin' } }),
        );
        const own = 'spiffe://cluster.local/ns/default/sa/caller';
        if (transport === 'http') {
          assert.match(String(sample.overHttp.at(-1)?.headers['x-forwarded-client-cert']), new RegExp(`URI=${own}$`));
        } else {
          const { source, destination } = sample.overGrpc.at(-1)?.attributes ?? {};
          assert.equal(source?.principal, own);
          assert.equal(destination?.principal, 'spiffe://cluster.local/ns/default/sa/echo');
          const { value } = destination.address?.address ?? {};
          assert.deepEqual(value?.portSpecifier, { case: 'portValue', value: echo.port });
        }
      });

      it('answers with what the authorizer denies with, and records it', async () => {
        const headers = { 'x-ext-authz': 'please', 'x-request-id': `denied-over-${transport}` };
        const answer = await call({ headers });
        assert.equal(answer.status, 403);
        assert.equal(answer.body, DENY_BODY);
        assert.equal(answer.headers['x-ext-authz-check-result'], 'denied');
        const record = await destinationRecord(`denied-over-${transport}`);
        assert.equal(record.authorization_decision, 'DENY');
        assert.equal(record.authorization_policy, 'default/ask');
        assert.equal(record.response_code, 403);
        assert.equal(record.response_flags, 'UAEX');
        assert.match(record.reason, new RegExp(`external authorizer "over-${transport}" said no with 403`));
      });

      it('does not ask about what no rule is about', async () => {
        const before = asked();
        echoOf(await call({ path: '/public/x' }));
        assert.equal(asked(), before);
      });

      it('DENY still wins', async () => {
        const answer = await call({ path: '/forbidden', headers: ALLOW });
        assert.equal(answer.status, 403);
        assert.equal(answer.body, 'RBAC: access denied');
      });

      it('later policies see the headers of the authorizer', async () => {
        echoOf(await call({ path: '/checked-header', headers: ALLOW }));
      });

      it('a body that the authorizer saw is whole for the application', async () => {
        await ask(`body-${transport}`);
        const headers = { ...ALLOW, 'content-type': 'text/plain' };
        const { bytes, headers: seen } = echoOf(await call({ method: 'POST', headers, body: 'sixteen letters!' }));
        assert.equal(bytes, 16);
        assert.equal(seen['x-ext-authz-check-received'], 'POST /orders [sixteen letters!]');
        const before = asked();
        assert.equal((await call({ method: 'POST', headers, body: 'seventeen letters' })).status, 413);
        assert.equal(asked(), before);
        await ask(`over-${transport}`);
      });

      it('fails closed, with 403 or statusOnError', async () => {
        sample.conduct = 'fails';
        assert.deepEqual([(await call({ headers: ALLOW })).status], [403]);
        await ask(`status-${transport}`);
        const answer = await call({ headers: ALLOW });
        assert.equal(answer.status, 503);
        assert.equal(answer.body, '');
      });

      it('fails closed when nobody listens', async () => {
        await ask(`nobody-${transport}`);
        assert.equal((await call({ headers: ALLOW })).status, 403);
      });

      it('fails open where its provider does, and no spoofed header passes with it', async () => {
        await ask(`open-${transport}`);
        for (const conduct of ['fails', 'hangs', 'resets'] as const) {
          sample.conduct = conduct;
          const headers = transport === 'http' ? { 'x-ext-authz-check-result': 'allowed' } : {};
          const echoed = echoOf(await call({ headers }));
          assert.equal(echoed.headers['x-ext-authz-check-result'], undefined);
        }
        sample.conduct = 'fails';
        const requestId = `passed-over-${transport}`;
        echoOf(await call({ headers: { 'x-request-id': requestId } }));
        const record = await destinationRecord(requestId);
        assert.equal(record.authorization_decision, 'ALLOW');
        assert.match(record.reason, /external authorizer "open-\w+" could not be asked/);
        sample.conduct = 'answers';
        const status = async (): Promise<number> => (await call({ headers: { 'x-ext-authz': 'no' } })).status;
        await until('it to be in time', async () => (await status()) === 403);
      });
    });
  }

  it('an authorizer that is a service of the mesh is asked over mutual TLS', async () => {
    await ask('in-the-mesh');
    const { headers } = echoOf(await call({ headers: { ...ALLOW, 'x-seen': 'spoofed' } }));
    assert.match(headers['x-seen'] ?? '', /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/echo$/);
    assert.equal((await call({})).status, 403);
  });

  it('NetworkPolicies hold for the question, too', async () => {
    await ask('over-http');
    await plane.apply(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: kept-in, namespace: default }
spec: { podSelector: { matchLabels: { app: echo } }, policyTypes: [Egress] }
`);
    const refused = { ...ALLOW, 'x-request-id': 'kept-in' };
    await until('the policy to be in force', async () => (await call({ headers: refused })).status === 403);
    assert.match((await destinationRecord('kept-in')).reason, /kept-in/);
    await plane.admin.deleteResource({ kind: 'NetworkPolicy', namespace: 'default', name: 'kept-in' });
    await until('the policy to be gone', async () => (await call({ headers: ALLOW })).status === 200);
  });

  it('a provider that nobody knows denies, and says so', async () => {
    await ask('unheard-of');
    const answer = await call({ headers: { ...ALLOW, 'x-request-id': 'unheard-of' } });
    assert.equal(answer.status, 403);
    assert.equal(answer.body, 'RBAC: access denied');
    echoOf(await call({ path: '/public/x' }));
    const record = await destinationRecord('unheard-of');
    assert.match(record.reason, /unheard-of/);
  });

  it('many at once each get their own answer', async () => {
    for (const name of ['over-http', 'over-grpc']) {
      await ask(name);
      const statuses = await Promise.all(
        Array.from({ length: 100 }, async (_, turn) => {
          const allowed = turn % 2 === 0;
          const { status } = await call({ headers: { 'x-ext-authz': allowed ? 'allow' : 'no' } });
          return status === (allowed ? 200 : 403);
        }),
      );
      assert.ok(statuses.every(Boolean));
    }
  });

  it('without the policy nobody is asked', async () => {
    await plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'ask' });
    await until('the policy to be gone', async () => (await call({})).status === 200);
  });
});
