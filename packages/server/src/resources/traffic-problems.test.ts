import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../control-plane.ts';
import { TestPlanes } from '../testing/test-plane.ts';
import { type ApiClient, connectAsAdmin } from '../testing/workload-client.ts';

const ROUTED = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: orders, namespace: shop }
spec:
  hosts: [orders]
  http:
    - route:
        - { destination: { host: orders, subset: v1 }, weight: 90 }
        - { destination: { host: orders, subset: v2 }, weight: 10 }
`;
const subsets = (...names: string[]): string => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: orders, namespace: shop }
spec: { host: orders, subsets: [${names.map((name) => `{ name: ${name} }`).join(', ')}] }
`;

describe('rules about calls that are applied', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let operator: ApiClient;

  before(async () => {
    await planes.open();
    plane = await planes.start();
    operator = connectAsAdmin(plane);
  });
  after(async () => {
    operator.close();
    await planes.close();
  });

  const apply = async (document: string, allowUnknownServices = true): Promise<readonly string[]> => {
    const { problems, resources } = await operator.admin.apply({ document, file: 'a.yaml', allowUnknownServices });
    return [
      ...resources.map(({ outcome }) => outcome),
      ...problems
        .filter(({ severity }) => severity === 'error')
        .map(({ line, column, field, message }) => `${line}:${column} ${field}: ${message}`),
    ];
  };

  it('are refused when nobody knows the service that requests are to be signed for', async () => {
    const signed = (host: string): string =>
      'apiVersion: rampart.dev/v1\nkind: RequestSignaturePolicy\nmetadata: { name: signed, namespace: shop }\n' +
      `spec: { signers: ["*"], hosts: [${host}] }\n`;
    const [refused] = await apply(signed('gatway'), false);
    assert.match(
      refused ?? '',
      /^4:33 spec\.hosts\[0\]: no instance of service gatway of namespace shop has registered/,
    );
    assert.deepEqual(await apply(signed('gatway')), ['created']);
    assert.deepEqual(await apply(signed('gatway').replace('"*"', '"a"'), false), ['configured']);
  });

  it('are refused when their service is not known, unless that is said to be right', async () => {
    const document = ROUTED + subsets('v1', 'v2');
    const refused = await apply(document, false);
    assert.match(
      refused[0] ?? '',
      /^5:11 spec\.hosts\[0\]: no instance of service orders of namespace shop has registered/,
    );
    assert.match(
      refused[1] ?? '',
      /^8:\d+ spec\.http\[0\]\.route\[0\]\.destination\.host: no instance of service orders/,
    );
    assert.equal(refused.length, 4);

    const entry = `---
apiVersion: rampart.dev/v1
kind: RegistrationEntry
metadata: { name: orders, namespace: istio-system }
spec: { spiffeId: "spiffe://cluster.local/ns/shop/sa/orders", selectors: ["unix:uid:1"], service: orders }
`;
    const { problems, resources } = await operator.admin.apply({
      document: document + entry,
      file: 'a.yaml',
      dryRun: true,
    });
    assert.deepEqual([problems.length, resources.length], [0, 3]);
  });

  it('are refused as a whole, with the place, when one of them names what is not there', async () => {
    const [problem = '', ...rest] = await apply(ROUTED + subsets('v1'));
    assert.match(
      problem,
      /^9:\d+ spec\.http\[0\]\.route\[1\]\.destination\.subset: .* defines subset "v2": it has v1$/,
    );
    assert.deepEqual(rest, []);
    const { resources } = await operator.admin.getResources({ kind: 'DestinationRule', namespace: '', name: '' });
    assert.deepEqual(resources, []);
  });

  it('are taken when it is in the same document, or was there before', async () => {
    assert.equal((await apply(ROUTED + subsets('v1', 'v2'))).length, 2);
    assert.equal((await apply(ROUTED.replace('90', '80').replace('10 }', '20 }'))).length, 1);
  });

  it('may not take away, or delete, the subset that a rule in force sends requests to', async () => {
    const [problem = '', ...rest] = await apply(subsets('v1').replace(/^---\n/, ''));
    assert.match(
      problem,
      /^4:\d+ spec: VirtualService shop\/orders spec\.http\[0\]\.route\[1\]\.destination\.subset: .*"v2": it has v1; change that first/,
    );
    assert.deepEqual(rest, []);
    const rule = { kind: 'DestinationRule', namespace: 'shop', name: 'orders' };
    await assert.rejects(operator.admin.deleteResource(rule), /nothing was deleted: VirtualService shop\/orders spec/);
    const { resources } = await operator.admin.getResources({ ...rule, name: '' });
    assert.equal(resources.length, 1);
  });

  it('may be deleted together with those that send requests by them', async () => {
    const named = ['DestinationRule', 'VirtualService'].map((kind) => ({ kind, namespace: 'shop', name: 'orders' }));
    const { resources } = await operator.admin.deleteResources({ resources: named });
    assert.deepEqual(
      resources.map(({ outcome }) => outcome),
      ['deleted', 'deleted'],
    );
    await apply(ROUTED + subsets('v1', 'v2'));
  });

  it('are taken again as they are, although their service is not there', async () => {
    const changed = ROUTED.replace('90', '70').replace('10 }', '30 }');
    assert.deepEqual(await apply(changed, false), ['configured']);
    const [problem = ''] = await apply(changed.replaceAll('host: orders', 'host: carts'), false);
    assert.match(problem, /destination\.host: no instance of service carts/);
  });

  it('may not contradict one that is in force', async () => {
    const [problem = ''] = await apply(ROUTED.replace('name: orders,', 'name: other,'));
    assert.match(problem, /^5:11 spec\.hosts\[0\]: .* has a VirtualService in this namespace already, shop\/orders/);
  });
});
