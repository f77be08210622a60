import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ControlPlane } from '../../control-plane.ts';
import { FakeDataPlane } from '../../testing/fake-data-plane.ts';
import { TestPlanes, until } from '../../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../../testing/workload-client.ts';

const RULE = (host: string, namespace: string, exportTo: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: rule, namespace: ${namespace} }
spec: { host: ${host}, trafficPolicy: {}, exportTo: [${exportTo}] }
`;
const SHOP = 'DestinationRule/shop/rule';
const MARK = 'DestinationRule/istio-system/mark';

describe('what data planes are told of rules about calls', () => {
  const planes = new TestPlanes();
  let joined = 0;
  let plane: ControlPlane;
  let admin: ApiClient['admin'];

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    ({ admin } = planes.keep(connectAsAdmin(plane)));
  });
  afterEach(() => planes.close());

  const join = async (namespace: string): Promise<FakeDataPlane> => {
    const { credentials } = await attest(plane, { namespace, serviceAccount: 'client', labels: {} });
    const client = planes.keep(connectTo(plane, { credentials }));
    const opened = new FakeDataPlane(client).connect({ id: `plane-${(joined += 1)}` });
    await until('the first message', () => opened.received.length > 0);
    return opened;
  };
  let marks = 0;
  const apply = async (document: string, ...readers: readonly FakeDataPlane[]): Promise<void> => {
    const host = `mark-${(marks += 1)}`;
    const mark = RULE(host, 'istio-system', '"*"').replace('name: rule', 'name: mark');
    await admin.apply({ document: `${document}---${mark}`, allowUnknownServices: true });
    for (const reader of readers) await until('the rules', () => reader.resources.get(MARK)?.includes(host) === true);
  };
  const told = (reader: FakeDataPlane): string[] => [...reader.resources.keys()].filter((key) => key !== MARK);

  it('is what the owner of a service says of it, wherever they are, as far as it is exported', async () => {
    const [shop, web] = [await join('shop'), await join('web')];
    await apply(RULE('orders', 'shop', '"*"'), shop, web);
    assert.deepEqual([told(shop), told(web)], [[SHOP], [SHOP]]);
    assert.deepEqual(told(await join('web')), [SHOP], 'from the first message on');
    await apply(RULE('orders', 'shop', '"."'), shop, web);
    assert.deepEqual([told(shop), told(web)], [[SHOP], []], 'it is taken back where it is exported no longer');
  });

  it('is nothing of what another namespace says of a service that is not its own', async () => {
    const [shop, web] = [await join('shop'), await join('web')];
    await apply(RULE('orders.other', 'shop', '"."'), shop, web);
    assert.deepEqual([told(shop), told(web)], [[SHOP], []]);
    assert.equal(
      web.received.some(({ resources }) => resources.some(({ key }) => key === SHOP)),
      false,
      'not even that it is there',
    );
  });
});
