import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { TokenIssuer } from '../harness/issuer.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

const printed = (name: string): string =>
  readFileSync(new URL(`../../packages/core/test-fixtures/seeds/${name}.yaml`, import.meta.url), 'utf8');

describe('the printed RequestAuthentication and the policy that requires its tokens', () => {
  let plane: ControlPlaneProcess;
  let issuer: TokenIssuer;
  let api: Workload;
  let caller: Laboratory;

  before(async () => {
    issuer = await TokenIssuer.start('https://auth.example.com');
    plane = await ControlPlaneProcess.start();
    await plane.apply([STRICT, printed('jwt-auth'), printed('require-jwt')].join('\n---\n'));
    api = await Workload.start(plane, {
      script: 'echo.mjs',
      namespace: 'production',
      serviceAccount: 'api-server',
      service: 'api-server',
      env: {
        NODE_OPTIONS: `--import ${new URL('../services/reach-issuer.mjs', import.meta.url).href}`,
        TEST_ISSUER: issuer.url,
      },
    });
    caller = await Laboratory.start(plane, { namespace: 'production', serviceAccount: 'frontend' });
    await until('the caller to know the api', async () => (await get('')).startsWith('403'));
  });

  after(async () => {
    await Promise.all([api.kill(), caller.kill()]);
    await plane.stop();
    await issuer.goAway();
  });

  function get(token: string): Promise<string> {
    return caller.run(
      async (_tools, headers) => {
        const response = await fetch('http://api-server/', { headers }).catch(() => undefined);
        return `${response?.status ?? 0} ${(await response?.text()) ?? ''}`;
      },
      token === '' ? {} : { authorization: `Bearer ${token}` },
    );
  }

  const aud = 'api.example.com';
  const cases: readonly (readonly [name: string, expected: RegExp, token: () => string])[] = [
    ['a user of one of the groups', /^200 /, () => issuer.token({ aud, groups: ['api-users'] })],
    ['a user of other groups', /^403 RBAC: access denied$/, () => issuer.token({ aud, groups: ['guests'] })],
    ['a user without groups', /^403 RBAC: access denied$/, () => issuer.token({ aud })],
    ['nobody', /^403 RBAC: access denied$/, () => ''],
    [
      'a token for somebody else',
      /^401 Audiences in Jwt are not allowed$/,
      () => issuer.token({ aud: 'x', groups: ['admin'] }),
    ],
    ['a token of another issuer', /^401 Jwt issuer is not configured$/, () => issuer.token({ aud, iss: 'https://x' })],
    ['yesterday’s token', /^401 Jwt is expired$/, () => issuer.token({ aud, groups: ['admin'], exp: 1 })],
  ];
  for (const [name, expected, token] of cases) {
    it(`${name}: ${expected.source}`, async () => assert.match(await get(token()), expected));
  }

  it('forwardOriginalToken: the application sees the token', async () => {
    const token = issuer.token({ aud, groups: ['admin'] });
    assert.ok((await get(token)).includes(`"authorization":"Bearer ${token}"`));
  });
});

describe('settings of the mesh that bear on requests', () => {
  let plane: ControlPlaneProcess;
  let echo: Workload;
  let caller: Laboratory;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}---
apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default, namespace: istio-system }
spec:
  pathNormalization: { normalization: DECODE_AND_MERGE_SLASHES }
  gatewayTopology: { numTrustedProxies: 2 }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: echo, namespace: default }
spec:
  selector: { matchLabels: { app: echo } }
  rules:
  - from: [{ source: { remoteIpBlocks: ["203.0.113.0/24"] } }]
    to: [{ operation: { paths: ["/office/*"] } }]
  - to: [{ operation: { paths: ["/open"] } }]
`);
    echo = await Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' });
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
    await until('the caller to know echo', async () => (await get('/open', '')).startsWith('200'));
  });

  after(async () => {
    await Promise.all([echo.kill(), caller.kill()]);
    await plane.stop();
  });

  function get(path: string, forwardedFor: string): Promise<string> {
    return caller.run(
      ({ http }, { path, headers }) =>
        new Promise<string>((resolve) => {
          const request = http.get({ host: 'echo', path, headers }, (response) => {
            let text = '';
            response.on('data', (chunk: Buffer) => (text += chunk.toString()));
            response.on('end', () => resolve(`${response.statusCode ?? 0} ${text}`));
          });
          request.on('error', () => resolve('0'));
        }),
      { path, headers: forwardedFor === '' ? {} : { 'x-forwarded-for': forwardedFor } },
    );
  }

  it('the client is the address that the outermost trusted proxy wrote', async () => {
    assert.match(await get('/office/a', '198.51.100.1, 203.0.113.7, 10.0.0.1'), /^200 /);
  });

  for (const forwardedFor of ['', '203.0.113.7', '203.0.113.7, 198.51.100.1, 10.0.0.1', 'x, 10.0.0.1']) {
    it(`not with "${forwardedFor}"`, async () => assert.match(await get('/office/a', forwardedFor), /^403 /));
  }

  it('policy and application get the path in the mode of the mesh', async () => {
    const answer = await get('//office%2f..//office//a%5cb', '203.0.113.7, 10.0.0.1');
    assert.match(answer, /^200 /);
    assert.equal((JSON.parse(answer.slice(4)) as { url: string }).url, '/office/a/b');
  });
});
