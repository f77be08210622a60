import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { foreignAuthority, foreignCertificate, OidcIssuer, until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { STRICT } from '../harness/policies.ts';
import { runProgram } from '../harness/program.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly status?: number;
  readonly body?: string;
}

const CALLER = { selectors: ['x509pop:attestor:hosts', 'x509pop:subject:cn:caller-host'] };
const idOf = (account: string): string => `spiffe://cluster.local/ns/prod/sa/${account}`;

/** What the server saw of its caller. */
const callerOf = ({ body = '{}' }: Answer): string =>
  (JSON.parse(body) as { headers: Record<string, string> }).headers['x-forwarded-client-cert'] ?? '';

describe('workloads that attest without a join token', () => {
  let plane: ControlPlaneProcess;
  let issuer: OidcIssuer;
  let folder: string;
  const root = foreignAuthority();
  const started: Workload[] = [];
  let tokens = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rampart-attestation-'));
    issuer = await OidcIssuer.start(Date.now());
    plane = await ControlPlaneProcess.start({ workloadTtl: '8s' });
    const attestors = [
      {
        name: 'cluster',
        spec: { jwt: { issuer: issuer.url, audiences: ['rampart'], caBundle: issuer.ca, profile: 'kubernetes' } },
      },
      { name: 'hosts', spec: { x509pop: { roots: root.certPem } } },
    ];
    const documents = [
      ...attestors.map(({ name, spec }) => resource('Attestor', { name }, spec)),
      entryOf('echo', { selectors: ['k8s:cluster:cluster', 'k8s:ns:prod', 'k8s:sa:echo'], service: 'echo' }),
      entryOf('caller', CALLER),
    ];
    await plane.apply(STRICT);
    await plane.apply(documents.join('\n---\n'));
  });

  after(async () => {
    await Promise.all(started.map((workload) => workload.kill()));
    await plane.stop();
    await issuer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function entryOf(name: string, spec: object): string {
    return resource('RegistrationEntry', { name, namespace: 'prod' }, { spiffeId: idOf(name), ...spec });
  }

  function resource(kind: string, metadata: object, spec: object): string {
    return JSON.stringify({ apiVersion: 'rampart.dev/v1', kind, metadata, spec });
  }

  function written(file: string, text: string): string {
    const path = join(folder, file);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  function serviceAccountToken(account: string): string {
    tokens += 1;
    return issuer.token(Date.now(), {
      sub: `system:serviceaccount:prod:${account}`,
      jti: String(tokens),
      'kubernetes.io': { namespace: 'prod', serviceaccount: { name: account, uid: 'u' } },
    });
  }

  const common = (): Record<string, string> => ({
    RAMPART_CONTROL_PLANE: plane.address,
    RAMPART_CA_FILE: plane.caFile,
    RAMPART_SPOOL_DIRECTORY: join(folder, 'spool'),
  });

  async function launch(script: string, env: Record<string, string>): Promise<Workload> {
    const workload = await Workload.launch({ script, serviceAccount: '' }, { ...common(), ...env });
    started.push(workload);
    return workload;
  }

  it('call each other as what their entries say: one by its service account, one by the certificate of its host', async () => {
    const echo = await launch('echo.mjs', {
      RAMPART_ATTESTATION: 'jwt',
      RAMPART_JWT_FILE: written('echo.jwt', serviceAccountToken('echo')),
    });
    await plane.registered('echo', echo.port);
    const host = foreignCertificate({
      name: 'caller-host',
      issuer: root,
      extensions: ['keyUsage=critical,digitalSignature'],
    });
    const caller = await launch('caller.mjs', {
      RAMPART_ATTESTATION: 'x509pop',
      RAMPART_X509POP_CERT_FILE: written('host.crt', host.certPem),
      RAMPART_X509POP_KEY_FILE: written('host.key', host.keyPem),
    });
    const answer = await caller.ask<Answer>({ url: 'http://echo.prod/' });
    assert.equal(answer.status, 200, JSON.stringify(answer));
    assert.match(callerOf(answer), /URI=spiffe:\/\/cluster\.local\/ns\/prod\/sa\/caller/);
    const reasons = async (account: string): Promise<string[]> => {
      const { certificates } = await plane.admin.listCertificates({ spiffeId: idOf(account) });
      return certificates.map(({ reason }) => reason);
    };
    const renewed = async (account: string): Promise<boolean> => (await reasons(account)).includes('renewal');
    await until('both to have renewed', async () => (await renewed('echo')) && (await renewed('caller')), 20_000);
    // What vouched for the caller is replaced: it shows its certificate again.
    await plane.admin.deleteResource({ kind: 'RegistrationEntry', namespace: 'prod', name: 'caller' });
    await plane.apply(entryOf('caller-again', { ...CALLER, spiffeId: idOf('caller') }));
    const attested = async (): Promise<number> => (await reasons('caller')).filter((one) => one === 'attested').length;
    await until('the caller to have attested again', async () => (await attested()) === 2, 20_000);
    assert.equal((await caller.ask<Answer>({ url: 'http://echo.prod/' })).status, 200);
  });

  it('wait for what a token that was used before is replaced with', async () => {
    const token = serviceAccountToken('echo');
    const file = written('restarted.jwt', token);
    const env = { RAMPART_ATTESTATION: 'jwt', RAMPART_JWT_FILE: file };
    const first = await launch('echo.mjs', env);
    await plane.registered('echo', first.port);
    await first.kill();
    const second = Workload.launch({ script: 'echo.mjs', serviceAccount: '' }, { ...common(), ...env });
    await until('the refusal of the same token', async () => {
      const { records } = await plane.admin.queryAudit({ limit: 50 });
      return records.some((record) => record.includes('jwt-replayed'));
    });
    written('restarted.jwt', serviceAccountToken('echo'));
    const workload = await second;
    started.push(workload);
    await plane.registered('echo', workload.port);
  });

  const unready: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [
      'a kind that is not known',
      { RAMPART_ATTESTATION: 'magic' },
      /RAMPART_ATTESTATION must be one of join-token, jwt, x509pop/,
    ],
    ['a token whose file is not named', { RAMPART_ATTESTATION: 'jwt' }, /RAMPART_JWT_FILE is not set/],
    [
      'a certificate without key',
      { RAMPART_ATTESTATION: 'x509pop', RAMPART_X509POP_CERT_FILE: 'x' },
      /RAMPART_X509POP_KEY_FILE is not set/,
    ],
  ];
  for (const [what, env, complaint] of unready) {
    it(`are told of ${what}`, async () => {
      const end = await runProgram('', { env: { ...common(), ...env } });
      assert.match(end.stderr, complaint);
    });
  }

  it('are told which rule refuses them, and nobody is told the token', async () => {
    const token = serviceAccountToken('nobody');
    const end = await runProgram('', {
      env: {
        ...common(),
        RAMPART_ATTESTATION: 'jwt',
        RAMPART_JWT_FILE: written('nobody.jwt', token),
        RAMPART_START_TIMEOUT_MS: '1000',
      },
    });
    assert.match(end.stderr, /entry-none/);
    for (const part of token.split('.')) assert.ok(!end.stderr.includes(part));
  });
});
