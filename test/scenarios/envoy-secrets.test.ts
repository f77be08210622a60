import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';

import { fromBinary } from '@bufbuild/protobuf';
import type { MessageShape } from '@bufbuild/protobuf';
import { until } from '@rampart/testkit';
import { SecretSchema, SPIFFECertValidatorConfigSchema } from '@rampart/wire/sds';

import { AgentProcess, registration } from '../harness/agent.ts';
import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { WorkloadClient } from '../harness/workload-client.ts';
import type { Octets, RemoteCall } from '../harness/workload-client.ts';

const OWN_DOMAIN = 'spiffe://cluster.local';
const WEB = `${OWN_DOMAIN}/ns/prod/sa/web`;
const SERVICE = 'envoy.service.secret.v3.SecretDiscoveryService';
const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
const PLAIN = [{ boolValue: true }, { stringValue: 'true' }].map((value) => ({
  fields: { disable_spiffe_cert_validation: value },
}));

interface Packed {
  readonly type_url: string;
  readonly value: Octets;
}

interface State {
  readonly version_info: string;
  readonly nonce: string;
  readonly type_url: string;
  readonly resources: readonly Packed[];
}

interface Delta {
  readonly nonce: string;
  readonly resources: readonly { readonly name: string; readonly version: string; readonly resource: Packed }[];
  readonly removed_resources: readonly string[];
}

type Secret = MessageShape<typeof SecretSchema>;

const open = ({ type_url: type, value }: Packed): Secret => {
  assert.equal(type, TYPE);
  return fromBinary(SecretSchema, Buffer.from(value.base64, 'base64'));
};

const named = (secrets: readonly Secret[], name: string): Secret['type'] | undefined =>
  secrets.find((secret) => secret.name === name)?.type;

const textOf = (source: { specifier: { case: string | undefined; value?: unknown } } | undefined): string => {
  assert.equal(source?.specifier.case, 'inlineBytes');
  return Buffer.from(source.specifier.value as Uint8Array).toString();
};

/** Trust domains that Envoy's SPIFFE validator is told, each with its roots. */
function trustDomains(type: Secret['type'] | undefined): (readonly [string, string])[] {
  assert.equal(type?.case, 'validationContext');
  const { customValidatorConfig: config } = type.value;
  assert.equal(config?.name, 'envoy.tls.cert_validator.spiffe');
  const { trustDomains: domains } = fromBinary(
    SPIFFECertValidatorConfigSchema,
    config.typedConfig?.value ?? new Uint8Array(),
  );
  return domains.map(({ name, trustBundle }) => [name, textOf(trustBundle)]);
}

describe('secrets for an Envoy of the host', () => {
  let plane: ControlPlaneProcess;
  let agent: AgentProcess;
  let envoy: WorkloadClient;

  const apply = (name: string, spec: object): Promise<void> =>
    plane.apply(registration(name, { selectors: [`unix:uid:${process.getuid?.() ?? 0}`], ...spec }));

  before(async () => {
    plane = await ControlPlaneProcess.start();
    agent = await AgentProcess.start(plane);
    envoy = await WorkloadClient.start({ socketPath: agent.socketPath, proto: 'sds.proto' });
    await apply('web', { spiffeId: WEB });
  });
  afterEach(async () => {
    await plane.admin.deleteResource({ kind: 'RegistrationEntry', namespace: 'istio-system', name: 'worker' });
  });
  after(async () => {
    await envoy.stop();
    await agent.remove();
    await plane.stop();
  });

  const stream = <Answer = State>(request: object, method = 'StreamSecrets'): RemoteCall<Answer> =>
    envoy.call(method, { service: SERVICE, metadata: [], request: { type_url: TYPE, ...request } });

  /** Asks once it may: the entry may be on its way to the agent. */
  const asked = (request: object): Promise<Secret[]> =>
    until('secrets', async () => {
      const call = stream(request, 'FetchSecrets');
      await until('an outcome', () => call.ended);
      return call.last?.resources.map(open);
    });

  it('a certificate with its key, and the roots of the own trust domain', async () => {
    const secrets = await asked({ resource_names: ['default', 'ROOTCA'] });
    const certificate = named(secrets, 'default');
    assert.equal(certificate?.case, 'tlsCertificate');
    const chain = new X509Certificate(textOf(certificate.value.certificateChain));
    const key = createPrivateKey(textOf(certificate.value.privateKey));
    assert.equal(chain.subjectAltName, `URI:${WEB}`);
    assert.ok(chain.publicKey.equals(createPublicKey(key)));
    const [[domain, roots] = ['', '']] = trustDomains(named(secrets, 'ROOTCA'));
    assert.equal(domain, 'cluster.local');
    assert.ok(new X509Certificate(roots).ca);
  });

  const questions: readonly (readonly [rule: string, asked: readonly string[], named: readonly string[]])[] = [
    ['by its SPIFFE ID', [WEB], [WEB]],
    ['by the SPIFFE ID of the trust domain', [OWN_DOMAIN], [OWN_DOMAIN]],
    ['of all trust domains', ['ALL'], ['ALL']],
    ['by all of its names', [OWN_DOMAIN, WEB, 'default', 'ROOTCA'], [WEB, 'default', OWN_DOMAIN, 'ROOTCA']],
    ['all that there is', [], [WEB, OWN_DOMAIN]],
  ];
  for (const [rule, resourceNames, expected] of questions) {
    it(`secrets are asked for ${rule}`, async () => {
      const secrets = await asked({ resource_names: resourceNames });
      assert.deepEqual(
        secrets.map(({ name }) => name),
        expected,
      );
    });
  }

  it('an Envoy without the SPIFFE validator gets the roots alone', async () => {
    for (const metadata of PLAIN) {
      const secrets = await asked({ resource_names: ['ROOTCA'], node: { id: 'e', metadata } });
      const context = named(secrets, 'ROOTCA');
      assert.equal(context?.case, 'validationContext');
      assert.ok(new X509Certificate(textOf(context.value.trustedCa)).ca);
      assert.equal(context.value.customValidatorConfig, undefined);
    }
  });

  it("another one's secret is refused, and another kind of resource", async () => {
    await asked({ resource_names: ['default'] });
    const foreign = await stream({ resource_names: [`${OWN_DOMAIN}/other`] }, 'FetchSecrets').failure();
    assert.equal(foreign.code, 7);
    const clusters = await stream({ type_url: 'type.googleapis.com/envoy.config.cluster.v3.Cluster' }).failure();
    assert.equal(clusters.code, 3);
  });

  it('a stream says everything again when something changes, and nothing after an acknowledgement or a refusal', async () => {
    await asked({ resource_names: ['default'] });
    const names = [WEB, `${OWN_DOMAIN}/worker`, 'ROOTCA'];
    const call = stream({ resource_names: names });
    const first = await call.until('the first secrets', ({ resources }) => resources.length === 2);
    const answer = { type_url: TYPE, resource_names: names, response_nonce: first.nonce };
    call.write({ ...answer, version_info: first.version_info });
    call.write({ ...answer, version_info: '', error_detail: { code: 13, message: 'no' } });
    call.write({ ...answer, resource_names: ['default'], response_nonce: 'of an older one' });
    await apply('worker', { spiffeId: `${OWN_DOMAIN}/worker` });
    const second = await call.until('the new secret', ({ resources }) => resources.length === 3);
    assert.equal(call.answers.length, 2);
    assert.notEqual(second.version_info, first.version_info);
    call.write({ ...answer, resource_names: ['default'], response_nonce: second.nonce });
    await call.until('what is asked for now', ({ resources }) => resources.length === 1);
    call.cancel();
  });

  it('a delta stream says what is different', async () => {
    await asked({ resource_names: ['default'] });
    const call = stream<Delta>({ resource_names_subscribe: [WEB, 'ROOTCA'] }, 'DeltaSecrets');
    const namesOf = ({ resources }: Delta): string[] => resources.map(({ name }) => name);
    const first = await call.until('both', (delta) => namesOf(delta).length === 2);
    assert.deepEqual(namesOf(first), [WEB, 'ROOTCA']);
    call.write({ type_url: TYPE, response_nonce: first.nonce });
    call.write({ type_url: TYPE, resource_names_subscribe: [`${OWN_DOMAIN}/worker`] });
    const missing = await call.until('that there is no other', ({ removed_resources: removed }) => removed.length > 0);
    assert.deepEqual([missing.removed_resources, missing.resources], [[`${OWN_DOMAIN}/worker`], []]);
    await apply('worker', { spiffeId: `${OWN_DOMAIN}/worker` });
    const second = await call.until('the new one alone', (delta) => namesOf(delta)[0] === `${OWN_DOMAIN}/worker`);
    assert.deepEqual(second.removed_resources, []);
    await plane.admin.deleteResource({ kind: 'RegistrationEntry', namespace: 'istio-system', name: 'worker' });
    const third = await call.until('its end', ({ removed_resources: removed }) => removed.length > 0);
    assert.deepEqual([third.removed_resources, third.resources], [[`${OWN_DOMAIN}/worker`], []]);
    const [known] = first.resources;
    const again = stream<Delta>(
      { resource_names_subscribe: [WEB, 'ROOTCA'], initial_resource_versions: { [known?.name ?? '']: known?.version } },
      'DeltaSecrets',
    );
    assert.deepEqual(namesOf(await again.until('what is not known yet', () => true)), ['ROOTCA']);
  });
});
