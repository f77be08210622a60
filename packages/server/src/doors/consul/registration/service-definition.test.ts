import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RampartError } from '@rampart/core';
import fc from 'fast-check';
import { catalogDefinition } from './catalog-definition.ts';
import { Fields } from './fields.ts';
import { type ServiceDefinition, serviceDefinition } from './service-definition.ts';

const CONTEXT = { ownAddress: '10.0.0.7', namespace: 'default', sourceIp: '10.0.0.7' };

function read(body: unknown): ServiceDefinition {
  return serviceDefinition(Fields.of(body, ''), CONTEXT);
}

function kindOf(check: object): unknown {
  return read({ Name: 'web', Address: '10.0.0.1', Port: 80, Check: check }).request.checks?.[0]?.kind;
}

describe('services as clients of Consul write them', () => {
  it('are where their caller is, and have their name for an id, unless they say otherwise', () => {
    const { serviceId, node, request } = read({ Name: 'web', Port: 80 });
    assert.deepEqual([serviceId, node, request.host, request.leaseMs], ['web', 'ip-10-0-0-7', '10.0.0.7', 0]);
  });

  it('may be in the letters of either language, and null is nothing', () => {
    const { request } = read({
      name: 'web',
      port: 80,
      tags: null,
      Check: null,
      meta: { Some_Key: 'kept' },
      weights: { passing: 5 },
      locality: { region: 'eu', zone: 'eu-1' },
      checks: [{ ttl: '1m', deregister_critical_service_after: '90m', check_id: 'beat' }],
    });
    assert.deepEqual(request.metadata, { Some_Key: 'kept' });
    assert.deepEqual(request.weights, { passing: 5, warning: 1 });
    assert.deepEqual(request.locality, { region: 'eu', zone: 'eu-1' });
    assert.equal(request.deregisterCriticalAfterMs, 90 * 60_000);
    assert.equal(request.checks?.[0]?.checkId, 'beat');
  });

  it('have checks with the names that an agent gives them', () => {
    const checks = [{ TTL: '10s' }, { TTL: '20s' }, { CheckID: 'own', TTL: '30s' }];
    const { request } = read({ ID: 'web-1', Name: 'web', Port: 80, Checks: checks });
    assert.deepEqual(
      request.checks?.map(({ checkId }) => checkId),
      ['service:web-1:1', 'service:web-1:2', 'own'],
    );
    const { request: single } = read({ ID: 'web-1', Name: 'web', Port: 80, Check: { TTL: '10s' } });
    assert.deepEqual(
      single.checks?.map(({ checkId, name }) => [checkId, name]),
      [['service:web-1', "Service 'web' check"]],
    );
  });

  for (const [rule, check, kind] of [
    [
      'HTTP at the address',
      { HTTP: 'http://10.0.0.1:8080/up?x=1', Interval: '5s' },
      { type: 'http', scheme: 'http', port: 8080, path: '/up?x=1' },
    ],
    [
      'HTTP on the host of an agent',
      { HTTP: 'https://localhost/', Interval: '5s' },
      { type: 'http', scheme: 'https', port: 443, path: '/' },
    ],
    ['TCP', { TCP: '127.0.0.1:99', Interval: '5s' }, { type: 'tcp', port: 99 }],
    [
      'gRPC of a service',
      { GRPC: '10.0.0.1:99/shop.Cart', GRPCUseTLS: true, Interval: '5s' },
      { type: 'grpc', tls: true, port: 99, service: 'shop.Cart' },
    ],
    ['a program', { Args: ['/bin/check', '-v'], Interval: '5s' }, { type: 'script', args: ['/bin/check', '-v'] }],
    ['a number of nanoseconds', { TTL: 5_000_000_000 }, { type: 'ttl', ttlMs: 5000 }],
    [
      'headers',
      { HTTP: 'http://10.0.0.1/', Interval: '5s', Method: 'HEAD', Header: { 'x-a': ['1', '2'] } },
      { type: 'http', scheme: 'http', port: 80, path: '/', method: 'HEAD', headers: { 'x-a': '1, 2' } },
    ],
  ] as const) {
    it(`checks: ${rule}`, () => assert.deepEqual(kindOf(check), kind));
  }

  it('are refused or read, whatever they say', () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('10s', '10.0.0.1:80', 'http://localhost/', [], {}),
    );
    const names = [
      'Name',
      'ID',
      'Port',
      'Tags',
      'Meta',
      'Address',
      'Check',
      'Checks',
      'Weights',
      'TTL',
      'HTTP',
      'TCP',
      'Interval',
      'Status',
      'Service',
      'Node',
      'Definition',
      '__proto__',
    ];
    const object = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(value, fc.dictionary(fc.constantFrom(...names), value)),
    );
    fc.assert(
      fc.property(object, (body) => {
        for (const reader of [
          (): unknown => read(body),
          (): unknown => catalogDefinition(Fields.of(body, ''), CONTEXT),
        ]) {
          try {
            reader();
          } catch (error) {
            assert.ok(error instanceof RampartError, String(error));
            assert.equal(error.code, 'INVALID_ARGUMENT');
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
