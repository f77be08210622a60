import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compileTraffic,
  concernsCallers,
  isTraffic,
  parseResource,
  type Resource,
  type TrafficRules,
} from '../index.ts';

const NAMESPACES = ['shop', 'web', 'istio-system'];
const namespace = fc.constantFrom(...NAMESPACES);
const host = fc.constantFrom(
  'orders',
  'orders.shop',
  'orders.web.svc.cluster.local',
  '*.shop.svc.cluster.local',
  '*.svc',
  '*.cluster.local',
);
const exportTo = fc.option(fc.constantFrom(['*'], ['.'], ['web'], ['shop', 'web']), { nil: undefined });

function resourceOf(kind: string, index: number, place: { namespace: string; spec: object }): Resource {
  const parsed = parseResource({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: `r${index}`, namespace: place.namespace },
    spec: JSON.parse(JSON.stringify(place.spec)) as unknown,
  });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

const rule = fc.oneof(
  fc.record({ namespace, spec: fc.record({ hosts: host.map((one) => [one]), exportTo }) }).map((place) => {
    const http = [{ route: [{ destination: { host: 'orders.shop' } }] }];
    return { kind: 'VirtualService', place: { ...place, spec: { ...place.spec, http } } };
  }),
  fc
    .record({ namespace, spec: fc.record({ host, exportTo, trafficPolicy: fc.constant({}) }) })
    .map((place) => ({ kind: 'DestinationRule', place })),
  fc.record({ namespace, exportTo }).map(({ namespace: own, exportTo: to }) => {
    const ports = [{ number: 443, name: 'tls', protocol: 'TLS' }];
    return {
      kind: 'ServiceEntry',
      place: { namespace: own, spec: { hosts: ['api.example.com'], ports, exportTo: to } },
    };
  }),
);

/** Which rules count for a caller, wherever it calls. */
function counted(rules: TrafficRules): unknown {
  const services = ['shop', 'web'].map((each) => {
    const found = rules.forService(each, 'orders', 80);
    return [found?.virtualService, found?.destinationRule];
  });
  return [services, rules.outside('api.example.com', 443)?.entry];
}

test('a caller that is told of the rules that concern it is held to the same as one that knows them all', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 8 }), namespace, (made, caller) => {
      const resources = made.map(({ kind, place }, index) => resourceOf(kind, index, place));
      const rootNamespace = 'istio-system';
      const told = resources.filter(
        (resource) => isTraffic(resource) && concernsCallers(resource, { namespace: caller, rootNamespace }),
      );
      const compiled = (known: readonly Resource[]): TrafficRules =>
        compileTraffic({ workload: { namespace: caller, labels: {} }, resources: known, rootNamespace });
      assert.deepEqual(counted(compiled(told)), counted(compiled(resources)));
    }),
    { numRuns: 500 },
  );
});
