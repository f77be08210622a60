import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { compileTraffic, parseResource } from '@rampart/core';
import type { Resource, TrafficRules } from '@rampart/core';

import { wayOut } from './way-out.ts';

function resource(kind: string, spec: object): Resource {
  const parsed = parseResource({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: kind.toLowerCase(), namespace: 'shop' },
    spec,
  });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

const PORT = { number: 80, name: 'http', protocol: 'HTTP' };

function rules(entry: object, tls?: object): TrafficRules {
  const hosts = ['api.example.com'];
  return compileTraffic({
    workload: { namespace: 'shop', labels: {} },
    resources: [
      resource('ServiceEntry', { hosts, ports: [PORT], ...entry }),
      ...(tls === undefined ? [] : [resource('DestinationRule', { host: 'api.example.com', trafficPolicy: { tls } })]),
    ],
    rootNamespace: 'istio-system',
  });
}

const ASKED = { host: 'API.example.com', port: 80 };
const first = (): number => 0;

describe('the way out of the mesh', () => {
  it('is the one that was asked for, where no ServiceEntry knows the host', () => {
    const other = { host: 'other.example.com', port: 80 };
    assert.deepEqual(wayOut(rules({}), other, first), { ...other, tls: undefined });
  });

  it('is the host itself, at the port that it really has', () => {
    const way = wayOut(rules({ ports: [{ ...PORT, targetPort: 8443 }] }), ASKED, first);
    assert.deepEqual(way, { host: 'API.example.com', port: 8443, tls: undefined });
  });

  it('is that of the entry for a name that is absolute, too: no dot at its end leads around a rule', () => {
    const endpoints = [{ address: '192.0.2.1' }];
    const traffic = rules({ resolution: 'STATIC', endpoints }, { mode: 'SIMPLE' });
    const { host, tls } = wayOut(traffic, { host: 'api.example.com.', port: 80 }, first);
    assert.equal(host, '192.0.2.1');
    assert.deepEqual(tls, { sni: 'api.example.com', subjectAltNames: ['api.example.com'] });
  });

  it('is one of the endpoints, each as often as its weight says', () => {
    const endpoints = [{ address: '192.0.2.1' }, { address: '192.0.2.2', weight: 3, ports: { http: 81 } }];
    const traffic = rules({ resolution: 'STATIC', endpoints });
    const drawn = Array.from({ length: 8 }, (_, index) => wayOut(traffic, ASKED, () => index / 8));
    assert.deepEqual(
      drawn.map(({ host, port }) => `${host}:${port}`),
      [...Array<string>(2).fill('192.0.2.1:80'), ...Array<string>(6).fill('192.0.2.2:81')],
    );
  });

  it('is in TLS for the name that was called, or for those that a rule or the entry says', () => {
    const tlsOf = (entry: object, tls: object): unknown => wayOut(rules(entry, tls), ASKED, first).tls;
    assert.deepEqual(tlsOf({}, { mode: 'SIMPLE' }), { sni: 'api.example.com', subjectAltNames: ['api.example.com'] });
    const named = { subjectAltNames: ['entry.example'] };
    assert.deepEqual(tlsOf(named, { mode: 'SIMPLE', sni: 'sni.example' }), {
      sni: 'sni.example',
      subjectAltNames: ['entry.example'],
    });
    const mutual = { mode: 'MUTUAL', clientCertificate: '/c', privateKey: '/k', subjectAltNames: ['rule.example'] };
    assert.deepEqual(tlsOf(named, mutual), {
      sni: 'api.example.com',
      subjectAltNames: ['rule.example'],
      clientCertificate: '/c',
      privateKey: '/k',
    });
    assert.equal(tlsOf({}, { mode: 'DISABLE' }), undefined);
  });
});
