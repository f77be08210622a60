import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { after, before, describe, it } from 'node:test';
import type { AuditRecord } from '@rampart/journal';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const PAYMENT = {
  service: 'payment-service',
  namespace: 'default',
  instanceId: 'payment-1',
  host: '10.0.1.1',
  port: 8080,
};
const OPERATOR = 'operator:bootstrap';
/** The record as it is printed for security monitoring, and what this control plane adds. */
const FIELDS = [
  ...['timestamp', 'event_type', 'service_name', 'instance_id', 'identity', 'source_ip', 'result', 'details'],
  ...['registry_node', 'sequence', 'correlation_id', 'leaf_hash'],
];

describe('what the registry puts on record, door by door', { concurrency: false }, () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient;

  before(async () => {
    await planes.open();
    plane = await planes.start({ dns: { port: 0 }, consul: { httpPort: 0 } });
    admin = planes.keep(connectAsAdmin(plane));
    await admin.registry.register({ instance: { ...PAYMENT, metadata: { version: '2.1.0' } } });
  });
  after(() => planes.close());

  /** The newest record of a type that holds what is wanted, once it is there. */
  async function recorded(eventType: string, wanted: Partial<AuditRecord>): Promise<AuditRecord> {
    let found: AuditRecord | undefined;
    await until(`${eventType} ${JSON.stringify(wanted)}`, async () => {
      const { records } = await admin.admin.queryAudit({ eventType, limit: 100 });
      const fields = Object.entries(wanted);
      found = records
        .map((text) => JSON.parse(text) as AuditRecord)
        .find((record) => fields.every(([name, value]) => record[name as keyof AuditRecord] === value));
      return found !== undefined;
    });
    assert.ok(found !== undefined);
    assert.deepEqual(Object.keys(found), FIELDS);
    return found;
  }

  async function lookUp(name: string): Promise<readonly string[]> {
    const resolver = new Resolver();
    resolver.setServers([plane.addresses.dns ?? '']);
    return resolver.resolve4(name).catch(() => []);
  }

  it('a registration: service, instance, identity, time, address, and what was registered', async () => {
    const record = await recorded('REGISTRATION', { instance_id: 'payment-1' });
    const { service_name, identity, source_ip, result, details, registry_node } = record;
    assert.deepEqual(
      [service_name, identity, source_ip, result, registry_node],
      ['payment-service', OPERATOR, '127.0.0.1', 'SUCCESS', 'rampart'],
    );
    assert.equal(new Date(record.timestamp).toISOString(), record.timestamp);
    assert.deepEqual([details['host'], details['port'], details['metadata']], ['10.0.1.1', 8080, { version: '2.1.0' }]);
  });

  it('a look-up over DNS where nobody wrote rules, and one of a name that is not there', async () => {
    assert.deepEqual(await lookUp('payment-service.service.consul'), ['10.0.1.1']);
    const { identity, source_ip, details } = await recorded('DISCOVERY_QUERY', {
      service_name: 'payment-service',
      identity: 'anonymous',
    });
    assert.deepEqual(
      [identity, source_ip, details['over'], details['outcome']],
      ['anonymous', '127.0.0.1', 'dns', 'ALLOW_DEFAULT'],
    );
    assert.deepEqual(await lookUp('secrets.service.consul'), []);
    const unknown = await recorded('DISCOVERY_QUERY', { service_name: '', identity: 'anonymous' });
    assert.equal(unknown.details['reason'], 'names that nobody registered');
  });

  it('a question over the API and over Consul’s, where nobody wrote rules', async () => {
    await admin.registry.find({ service: 'payment-service', namespace: 'default' });
    await recorded('DISCOVERY_QUERY', { service_name: 'payment-service', identity: OPERATOR });
    const { token } = await admin.tokens.createApiToken({ name: 'cat', role: 'service' });
    const url = `${plane.addresses.consul ?? ''}/v1/health/service/payment-service`;
    assert.equal((await fetch(url, { headers: { 'x-consul-token': token } })).status, 200);
    await recorded('DISCOVERY_QUERY', { service_name: 'payment-service', identity: 'token:cat' });
  });

  it('a data plane that is told of all services', async () => {
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'web', service: 'web' });
    const dataPlane = new FakeDataPlane(planes.keep(connectTo(plane, { credentials }))).connect();
    const { details } = await recorded('DISCOVERY_QUERY', { identity: 'spiffe://cluster.local/ns/default/sa/web' });
    assert.equal(details['resource'], 'namespace:*/*');
    dataPlane.kill();
  });

  it('a caller who cannot prove who it is: which identity it tried, why, from where', async () => {
    const stranger = planes.keep(connectTo(plane, { token: 'nonsense' }));
    await assert.rejects(stranger.registry.find({ service: 'payment-service' }));
    const { result, details, source_ip } = await recorded('AUTHENTICATION_FAILED', {});
    assert.deepEqual([result, source_ip, details['code']], ['DENIED', '127.0.0.1', 'UNAUTHENTICATED']);
  });

  it('a change of rules: who, what, and both texts whole, however long they are', async () => {
    const rules = (policy: string): string =>
      JSON.stringify({
        service: Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`service-${at}`, { policy }])),
      });
    for (const policy of ['read', 'write']) {
      const { problems } = await admin.admin.apply({ document: rules(policy), file: 'long.acl.json' });
      assert.deepEqual(problems, []);
    }
    const { identity, details } = await recorded('ACL_CHANGED', { result: 'SUCCESS' });
    assert.equal(identity, 'admin:bootstrap');
    for (const [text, policy] of [
      [details['old'], 'read'],
      [details['new'], 'write'],
    ] as const) {
      const { spec } = JSON.parse(typeof text === 'string' ? text : '') as { spec: { rules: { policy: string }[] } };
      assert.deepEqual([spec.rules.length, new Set(spec.rules.map((rule) => rule.policy))], [200, new Set([policy])]);
    }
  });

  it('a denial: identity, action and resource, over the API and over DNS', async () => {
    const { token } = await admin.tokens.createApiToken({ name: 'bob', role: 'service' });
    await planes.keep(connectTo(plane, { token })).registry.find({ service: 'payment-service', namespace: 'default' });
    const { result, details } = await recorded('AUTHORIZATION_DENIED', { identity: 'token:bob' });
    assert.deepEqual(
      [result, details['action'], details['resource'], details['outcome']],
      ['DENIED', 'read', 'service:payment-service.default', 'DENY'],
    );
    assert.deepEqual(await lookUp('payment-service.service.consul'), []);
    const refused = await recorded('AUTHORIZATION_DENIED', { identity: 'anonymous' });
    assert.deepEqual([refused.service_name, refused.details['over']], ['payment-service', 'dns']);
  });

  it('a deregistration: service, instance, identity, reason', async () => {
    await admin.registry.deregister({ instanceId: 'payment-1', reason: 'moved' });
    const { service_name, identity, source_ip, details } = await recorded('DEREGISTRATION', {
      instance_id: 'payment-1',
    });
    assert.deepEqual(
      [service_name, identity, source_ip, details['reason']],
      ['payment-service', OPERATOR, '127.0.0.1', 'moved'],
    );
  });
});
