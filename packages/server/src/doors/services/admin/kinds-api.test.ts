import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ENFORCED_IN_PROCESS } from '@rampart/core';
import { TestPlanes, until } from '../../../testing/test-plane.ts';
import { FakeDataPlane } from '../../../testing/fake-data-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../../../testing/workload-client.ts';
import type { ControlPlane } from '../../../control-plane.ts';

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { env: production } }\n';
const MESH_CONFIG = `apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default }
spec: { pathNormalization: { normalization: MERGE_SLASHES } }
`;
const DENY = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: deny, namespace: shop }
spec: { action: DENY, rules: [{ to: [{ operation: { ports: ["1"] } }] }] }
`;
const BROKEN =
  'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: x }\nspec: { podSelctor: {} }\n';
const GATEWAY = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: edge, namespace: shop }
spec: { targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: g }], rules: [{}] }
`;

describe('every kind at the admin API', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient['admin'];

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    admin = planes.keep(connectAsAdmin(plane)).admin;
  });

  afterEach(() => planes.close());

  async function held(kind = '', namespace = ''): Promise<string[]> {
    const { resources } = await admin.getResources({ kind, namespace });
    return resources.map((each) => `${each.kind}/${each.namespace}/${each.name}`);
  }

  async function refusalOf(...documents: readonly string[]): Promise<string[]> {
    const { resources, problems, revision } = await admin.apply({ document: documents.join('---\n'), file: 'f.yaml' });
    assert.deepEqual([resources, revision], [[], 0n]);
    assert.deepEqual(await held(), [], 'something of a refused document was applied');
    return problems.map(({ code, line, column, field, message }) => `${code} ${line}:${column} ${field}: ${message}`);
  }

  it('is applied with the others of its document in one revision', async () => {
    const { resources, revision } = await admin.apply({ document: [NAMESPACE, MESH_CONFIG, DENY].join('---\n') });
    assert.deepEqual(
      resources.map(({ outcome }) => outcome),
      ['created', 'created', 'created'],
    );
    const stored = (await admin.getResources({})).resources;
    assert.deepEqual([...new Set(stored.map((each) => each.revision))], [revision]);
    assert.deepEqual(await held(), [
      'AuthorizationPolicy/shop/deny',
      'MeshConfig/istio-system/default',
      'Namespace//shop',
    ]);
  });

  for (const [fact, broken, problem] of [
    ['a wrong one', BROKEN, /^UNKNOWN_FIELD 13:9 spec\.podSelctor: .*did you mean "podSelector"/],
    ['one that cannot be enforced', GATEWAY, /^UNSUPPORTED_FEATURE 13:9 spec\.targetRefs: .*no gateway yet/],
    ['one of an unknown kind', BROKEN.replace('NetworkPolicy', 'NetworkPolice'), /^UNKNOWN_KIND 11:7 kind: /],
    ['one that stands twice', NAMESPACE, /^DUPLICATE_RESOURCE 12:19 metadata\.name: Namespace shop stands .*twice/],
    ['no YAML', '{', /^INVALID_YAML/],
  ] as const) {
    it(`is not applied beside ${fact}`, async () => {
      const problems = await refusalOf(NAMESPACE, MESH_CONFIG, broken);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', problem);
    });
  }

  it('is refused with the name of a connected data plane that it reaches and that cannot enforce it', async () => {
    const { credentials } = await attest(plane, { namespace: 'shop', serviceAccount: 'orders' });
    const capabilities = ENFORCED_IN_PROCESS.filter((feature) => feature !== 'mesh-config');
    const old = new FakeDataPlane(planes.keep(connectTo(plane, { credentials }))).connect({ capabilities });
    await until('the first message', () => old.received.length > 0);
    const [problem] = await refusalOf(NAMESPACE, MESH_CONFIG);
    assert.match(
      problem ?? '',
      /^UNSUPPORTED_FEATURE 6:1 kind: .*needs mesh-config: cluster\.local\/ns\/shop\/sa\/orders \(node 1\.0\.0\) cannot enforce it$/,
    );
  });

  it('of the mesh has one name and one place', async () => {
    assert.match(
      (await refusalOf(MESH_CONFIG.replace('default', 'mine')))[0] ?? '',
      /metadata\.name: must be "default": a mesh has one configuration$/,
    );
    assert.match(
      (await refusalOf(MESH_CONFIG.replace('name: default', 'name: default, namespace: shop')))[0] ?? '',
      /metadata\.namespace: must be "istio-system", the root namespace of the mesh: leave it out$/,
    );
    assert.match(
      (await refusalOf(MESH_CONFIG, MESH_CONFIG))[0] ?? '',
      /MeshConfig istio-system\/default stands .*twice/,
    );
    await admin.apply({ document: MESH_CONFIG, namespace: 'shop' });
    await admin.apply({ document: MESH_CONFIG.replace('name: default', 'name: default, namespace: istio-system') });
    assert.deepEqual(await held('MeshConfig'), ['MeshConfig/istio-system/default']);
  });

  it('is found and deleted without a namespace where it has none to name', async () => {
    await admin.apply({ document: [NAMESPACE, MESH_CONFIG].join('---\n') });
    assert.deepEqual(await held('namespace', 'elsewhere'), ['Namespace//shop']);
    assert.deepEqual(await held('', 'shop'), []);
    assert.equal(
      (await admin.deleteResource({ kind: 'Namespace', name: 'shop', namespace: 'elsewhere' })).deleted,
      true,
    );
    assert.equal(
      (await admin.deleteResource({ kind: 'MeshConfig', name: 'default', namespace: 'shop' })).deleted,
      false,
    );
    assert.equal((await admin.deleteResource({ kind: 'MeshConfig', name: 'default' })).deleted, true);
    assert.deepEqual(await held(), []);
  });
});
