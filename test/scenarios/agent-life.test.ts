import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { foreignAuthority, foreignCertificate, until } from '@rampart/testkit';

import { AgentProcess, registration } from '../harness/agent.ts';
import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { WorkloadClient } from '../harness/workload-client.ts';
import type { X509Answer } from '../harness/workload-client.ts';

const UID = process.getuid?.() ?? 0;
const OWN_DOMAIN = 'spiffe://cluster.local';
const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;
const names = (answer: X509Answer): string[] => answer.svids.map(({ spiffe_id: id }) => id);

describe('the life of an agent', () => {
  let plane: ControlPlaneProcess;
  const agents: AgentProcess[] = [];
  const clients: WorkloadClient[] = [];

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(registration('web', { spiffeId: `${OWN_DOMAIN}/web`, selectors: [`unix:uid:${UID}`] }));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.stop()));
    await Promise.all(agents.splice(0).map((agent) => agent.remove()));
  });
  after(() => plane.stop());

  async function started(): Promise<AgentProcess> {
    const agent = await AgentProcess.start(plane);
    agents.push(agent);
    return agent;
  }

  function launched(env: Readonly<Record<string, string>>, folder?: string): AgentProcess {
    const agent = AgentProcess.launch(env, folder);
    agents.push(agent);
    return agent;
  }

  async function workload(agent: AgentProcess): Promise<WorkloadClient> {
    const client = await WorkloadClient.start({ socketPath: agent.socketPath });
    clients.push(client);
    return client;
  }

  const address = (): Record<string, string> => ({
    RAMPART_CONTROL_PLANE: plane.address,
    RAMPART_CA_FILE: plane.caFile,
  });

  it('what it has outlives the control plane, which it finds again', async () => {
    const agent = await started();
    const client = await workload(agent);
    const call = client.x509();
    const first = await call.until('an SVID', () => true);
    const { svids } = await client.first<{ svids: object[] }>('FetchJWTSVID', { audience: ['orders'] });
    await plane.kill();
    const late = await workload(agent);
    assert.deepEqual((await late.x509().until('the SVID that is there', () => true)).svids, first.svids);
    const again = await late.first<{ svids: object[] }>('FetchJWTSVID', { audience: ['orders'] });
    assert.deepEqual(again.svids, svids);
    const { code } = await late.call('FetchJWTSVID', { request: { audience: ['billing'] } }).failure();
    assert.equal(code, UNAVAILABLE);
    await plane.up();
    await plane.apply(registration('late', { spiffeId: `${OWN_DOMAIN}/late`, selectors: [`unix:uid:${UID}`] }));
    await call.until('the new entry on the old stream', (answer) => names(answer).includes(`${OWN_DOMAIN}/late`));
    await plane.admin.deleteResource({ kind: 'RegistrationEntry', namespace: 'istio-system', name: 'late' });
  });

  it('its workloads and it itself have left an authority that is tainted before that is revoked, a root too', async () => {
    const { admin } = plane;
    const reason = 'a drill';
    const agent = await started();
    const call = (await workload(agent)).x509();
    const active = async (kind: string): Promise<string> =>
      (await admin.listAuthorities({})).authorities.find((each) => each.kind === kind && each.state === 'active')
        ?.serial ?? '';
    const issuerOf = (answer: X509Answer): string =>
      new X509Certificate(Buffer.from(answer.svids[0]?.x509_svid.base64 ?? '', 'base64')).issuer;
    const count = async (): Promise<number> =>
      (await admin.listCertificates({ spiffeId: `${OWN_DOMAIN}/agent/join_token/host-1` })).certificates.length;
    for (const kind of ['intermediate', 'root'] as const) {
      const before = issuerOf(await call.until('an SVID', () => true));
      const [last, certificates] = [await active(kind), await count()];
      await admin.prepareAuthority({ kind });
      await admin.activateAuthority({ kind, now: true });
      await admin.taintAuthority({ serial: last, reason });
      const next = await call.until(`an SVID below another ${kind}`, (answer) => issuerOf(answer) !== before);
      await until('the agent to have renewed', async () => (await count()) > certificates);
      const lists = JSON.stringify(call.last?.crl);
      await admin.revokeAuthority({ serial: last, reason });
      const after = await call.until('lists of after that', ({ crl }) => JSON.stringify(crl) !== lists);
      assert.deepEqual(after.svids[0]?.x509_svid, next.svids[0]?.x509_svid, 'no gap, and no other certificate');
    }
  });

  it('who calls before there is a control plane is told to try again', async () => {
    const agent = launched({ ...address(), RAMPART_CONTROL_PLANE: 'https://127.0.0.1:9', RAMPART_JOIN_TOKEN: 'x' });
    await until('the socket', () => exists(agent.socketPath));
    const { code } = await (await workload(agent)).x509().failure();
    assert.equal(code, UNAVAILABLE);
    assert.equal(await agent.stop(), 0);
    assert.equal(exists(agent.socketPath), false);
  });

  it('a socket that a killed agent left is replaced, and one that is listened on is not', async () => {
    const killed = await started();
    await killed.stop('SIGKILL');
    assert.ok(exists(killed.socketPath));
    const { token } = await plane.admin.createJoinToken({ agent: 'host-2' });
    const next = launched({ ...address(), RAMPART_JOIN_TOKEN: token }, killed.folder);
    const client = await until('the next agent', () => workload(next).catch(() => undefined));
    await until('an SVID of the next agent', async () => {
      const call = client.x509();
      await until('an outcome', () => call.ended || call.last !== undefined);
      return call.last;
    });
    const second = launched({ ...address(), RAMPART_JOIN_TOKEN: 'unused' }, killed.folder);
    const [code] = (await once(second.child, 'close')) as [number];
    assert.equal(code, 3);
    assert.match(second.complaint, /^error: another process listens on .*agent\.sock; stop it, or give/);
    assert.deepEqual(names(await client.x509().until('an SVID still', () => true)), [`${OWN_DOMAIN}/web`]);
  });

  it('a host with a certificate of another authority attests again whenever its agent is started', async () => {
    const root = foreignAuthority();
    const host = foreignCertificate({
      name: 'host-9',
      issuer: root,
      extensions: ['keyUsage=critical,digitalSignature'],
    });
    await plane.apply(
      JSON.stringify({
        apiVersion: 'rampart.dev/v1',
        kind: 'Attestor',
        metadata: { name: 'hosts' },
        spec: { x509pop: { roots: root.certPem }, agents: { selectors: ['x509pop:subject:cn:host-9'] } },
      }),
    );
    const folder = mkdtempSync(join(tmpdir(), 'rampart-agent-'));
    writeFileSync(join(folder, 'host.crt'), host.certPem);
    writeFileSync(join(folder, 'host.key'), host.keyPem, { mode: 0o600 });
    const evidence = {
      RAMPART_ATTESTATION: 'x509pop',
      RAMPART_X509POP_CERT_FILE: join(folder, 'host.crt'),
      RAMPART_X509POP_KEY_FILE: join(folder, 'host.key'),
    };
    for (let start = 0; start < 2; start += 1) {
      const agent = launched({ ...address(), ...evidence }, folder);
      await agent.ready();
      assert.match(agent.said, /spiffe:\/\/cluster\.local\/agent\/x509pop\/[0-9a-f]{64}/);
      await agent.stop();
    }
  });

  it('anybody may connect', async () => {
    const { socketPath } = await started();
    assert.equal(statSync(socketPath).mode & 0o777, 0o777);
  });

  const places: readonly (readonly [rule: string, mode: number, complaint: RegExp])[] = [
    ['others may write to', 0o777, /others could put a socket of their own into/],
    ['holds something else under that name', 0o755, /is there and is no socket; move it away/],
  ];
  for (const [rule, mode, complaint] of places) {
    it(`a folder that ${rule} is not taken`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'rampart-agent-'));
      chmodSync(folder, mode);
      writeFileSync(join(folder, 'agent.sock'), '');
      const agent = launched({ ...address(), RAMPART_JOIN_TOKEN: 'unused' }, folder);
      const [code] = (await once(agent.child, 'close')) as [number];
      assert.equal(code, 2);
      assert.match(agent.complaint, complaint);
      rmSync(folder, { recursive: true });
    });
  }

  it('ends with a clear line when its token does not hold', async () => {
    const agent = launched({ ...address(), RAMPART_JOIN_TOKEN: 'no-such-token' });
    const [code] = (await once(agent.child, 'close')) as [number];
    assert.equal(code, 1);
    assert.match(
      agent.complaint,
      /error: the control plane refuses this agent; make a token with "rampart token create/,
    );
  });

  it('says nothing more for a host that is revoked', async () => {
    const agent = await started();
    const call = (await workload(agent)).x509();
    await call.until('an SVID', () => true);
    const { certificates } = await plane.admin.listCertificates({
      spiffeId: `${OWN_DOMAIN}/agent/join_token/host-1`,
    });
    const ended = once(agent.child, 'close') as Promise<[number]>;
    for (const { serial } of certificates) await plane.admin.revokeCertificate({ serial, reason: 'host lost' });
    const [code] = await ended;
    assert.equal(code, 1);
    assert.equal((await call.failure()).code, PERMISSION_DENIED);
  });

  it('tells generic clients what it serves', async () => {
    const agent = await started();
    const client = await WorkloadClient.start({ socketPath: agent.socketPath, proto: 'reflection.proto' });
    clients.push(client);
    const call = client.call<Reflected>('ServerReflectionInfo', {
      service: 'grpc.reflection.v1.ServerReflection',
      metadata: [],
      request: { list_services: '*' },
    });
    const { list_services_response: list } = await call.until('the services', () => true);
    assert.deepEqual(
      list?.service.map(({ name }) => name),
      ['SpiffeWorkloadAPI', 'envoy.service.secret.v3.SecretDiscoveryService', 'grpc.reflection.v1.ServerReflection'],
    );
    call.write({ file_containing_symbol: 'SpiffeWorkloadAPI.FetchX509SVID' });
    const { file_descriptor_response: found } = await call.until('its file', (answer) =>
      Boolean(answer.file_descriptor_response),
    );
    const [file] = found?.file_descriptor_proto ?? [];
    assert.match(Buffer.from(file?.base64 ?? '', 'base64').toString('latin1'), /FetchX509SVID/);
    call.write({ file_containing_symbol: 'no.such.Service' });
    await call.until('that there is none', ({ error_response: error }) => error?.error_code === 5);
  });
});

interface Reflected {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly { readonly base64: string }[] };
  readonly error_response?: { readonly error_code: number };
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
