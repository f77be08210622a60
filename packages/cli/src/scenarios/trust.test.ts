import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type Outcome, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

suite('JWT-SVIDs, bundles and tokens on the command line', () => {
  let mesh: ScenarioMesh;
  const run = (words: string, stdin?: string): Promise<Outcome> =>
    mesh.run(words.split(' '), stdin === undefined ? {} : { stdin });
  const done = async (words: string, stdin?: string): Promise<string> => {
    const { code, stdout, stderr } = await run(words, stdin);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  before(async () => {
    mesh = await startScenarioMesh(Date.now);
  });
  after(async () => assert.equal(await mesh.stop(), 0));

  test('a token that is minted is alone on standard output, and is valid for its audience only', async () => {
    const { stdout, stderr } = await run('jwt mint default/web --audience orders --ttl 1m');
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    assert.match(stderr, /of spiffe:\/\/cluster\.local\/ns\/default\/sa\/web, for (?:1m|59s)/);
    await writeFile(join(mesh.folder, 'token'), stdout);
    assert.match(
      await done('jwt validate @token --audience orders'),
      /^valid +spiffe:\/\/cluster\.local\/ns\/default\/sa\/web\n$/,
    );
    const other = await run('jwt validate @- --audience payments -o json', stdout);
    assert.equal(other.code, 1);
    assert.deepEqual(JSON.parse(other.stdout), {
      valid: false,
      problem: 'WRONG_AUDIENCE',
      message: 'the token is not for "payments"',
    });
  });

  test('a token on the command line is refused', async () => {
    const { code, stderr } = await run('jwt validate abc.def.ghi --audience orders');
    assert.equal(code, 2);
    assert.ok(!stderr.includes('abc.def'), stderr);
  });

  test('an identity of another trust domain cannot be minted', async () => {
    const { code, stderr } = await run('jwt mint spiffe://partner.example/web --audience orders');
    assert.equal(code, 2);
    assert.match(stderr, /not of trust domain cluster\.local/);
  });

  test('keys are listed, made and revoked; tokens of a revoked one are worth nothing', async () => {
    const token = await done('jwt mint default/web --audience orders');
    const rotated = await done('jwt rotate');
    assert.match(rotated, /is published, and signs from /);
    const keys = JSON.parse(await done('jwt keys -o json')) as { keyId: string; state: string }[];
    assert.deepEqual(
      keys.map(({ state }) => state),
      ['active', 'prepared'],
    );
    assert.match(await done(`jwt revoke -- ${keys[0]?.keyId}`), /revoked/);
    assert.equal((await run('jwt validate @- --audience orders', token)).code, 1);
    assert.match(await done('jwt keys'), /ES256 +retired[^]*ES256 +active/);
    assert.equal((await run(`jwt revoke -- ${keys[0]?.keyId}`)).code, 1);
  });

  test('the bundle prints as other trust domains take it, and as PEM', async () => {
    const bundle = JSON.parse(await done('federation bundle')) as {
      keys: { use: string }[];
      spiffe_refresh_hint: number;
    };
    assert.deepEqual(new Set(bundle.keys.map(({ use }) => use)), new Set(['x509-svid', 'jwt-svid']));
    assert.equal(bundle.spiffe_refresh_hint, 300);
    assert.match(
      await done('federation bundle --pem'),
      /^-----BEGIN CERTIFICATE-----\n[^]*-----END CERTIFICATE-----\n$/,
    );
    assert.equal((await run('federation bundle partner.example')).code, 1);
  });

  test('a federated trust domain is listed with what became of the last poll', async () => {
    await writeFile(
      join(mesh.folder, 'partner.yaml'),
      `apiVersion: rampart.dev/v1
kind: FederatedTrustDomain
metadata: { name: partner }
spec:
  trustDomain: partner.example
  bundleEndpointUrl: https://127.0.0.1:1/bundle
  bundleEndpointProfile: { type: https_web }
`,
    );
    assert.match(await done('apply -f partner.yaml'), /partner created/);
    const list = JSON.parse(await done('federation -o json')) as { trustDomain: string; profile: string }[];
    assert.deepEqual(
      list.map(({ trustDomain, profile }) => [trustDomain, profile]),
      [
        ['cluster.local', 'own'],
        ['partner.example', 'https_web'],
      ],
    );
    assert.match(await done('get ftd -A'), /partner\.example +https_web +https:\/\/127\.0\.0\.1:1\/bundle/);
    assert.match(await done('delete ftd partner'), /partner deleted/);
  });

  test('a short-lived token takes the place of the one in the data directory, with the rights of its role', async () => {
    const { stdout, stderr } = await run('api-token create ann@example --role viewer --ttl 10m');
    assert.match(stdout, /^rampart-api-[0-9a-f]{16}\.[\w-]{43}\n$/);
    assert.match(stderr, /[0-9a-f]{16}: viewer for ann@example, for (?:10m|9m59s)/);
    await writeFile(join(mesh.folder, 'ann.token'), stdout);
    assert.equal((await run('status --token-file ann.token')).code, 0);
    const refused = await run('token create --service-account web --token-file ann.token');
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /has the role viewer, which may not call/);
    const next = await done('api-token rotate --overlap 1s --token-file ann.token');
    await writeFile(join(mesh.folder, 'next.token'), next);
    assert.match(await done('api-token list'), /ann@example +viewer +admin:bootstrap/);
    assert.match(await done('api-token revoke --name ann@example'), /2 tokens revoked|1 token revoked/);
    assert.notEqual((await run('status --token-file next.token')).code, 0);
    assert.equal((await run('api-token revoke --name ann@example')).code, 1);
  });

  test('what is wrong with a request for a token is said', async () => {
    assert.equal((await run('api-token create ann --role root')).code, 2);
    assert.equal((await run('api-token create ann --role admin --ttl 1h')).code, 2);
    assert.equal((await run('api-token revoke')).code, 2);
  });
});
