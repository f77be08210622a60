import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

import { SpiffeId } from '@rampart/core';

import { ClusterCounts } from '../traffic/group/cluster-counts.ts';
import type { ClusterFigures } from '../traffic/group/cluster-counts.ts';
import { expositionText, merged } from './families.ts';
import { planeFamilies, processFamilies } from './plane-families.ts';
import { trafficFamilies } from './traffic-families.ts';
import { NOWHERE, OUTSIDE, TrafficMetrics } from './traffic-metrics.ts';
import type { Caller, RequestNumbers } from './traffic-metrics.ts';

const PAGE = {
  responseCode: 200,
  responseFlags: '-',
  durationMicros: 1200,
  bytesReceived: 0,
  bytesSent: 1024,
  reason: '',
  policy: '',
  decision: 'ALLOW',
} as const;

function caller(name: string): Caller {
  const spiffeId = SpiffeId.of(`spiffe://cluster.local/ns/shop/sa/${name}`);
  return { peer: { spiffeId }, sourcePrincipal: spiffeId.toString() };
}

const PLAINTEXT: Caller = { peer: undefined, sourcePrincipal: '' };

function instance(name: string): Parameters<TrafficMetrics['outbound']>[0] {
  const spiffeId = SpiffeId.of(`spiffe://cluster.local/ns/shop/sa/${name}`);
  const endpoint = {
    instanceId: name,
    host: '127.0.0.1',
    port: 8000,
    protocol: 'http',
    spiffeId,
    identity: spiffeId.toString(),
    labels: { app: name, version: 'v2' },
    address: '127.0.0.1:8000',
  };
  return { endpoint, service: { namespace: 'shop', name, host: `${name}.shop.svc`, endpoints: [endpoint] } };
}

function sidecar(): TrafficMetrics {
  const metrics = new TrafficMetrics();
  const labels = { app: 'orders', version: 'v1' };
  metrics.setSelf(
    { namespace: 'shop', serviceAccount: 'orders', service: 'orders', labels },
    'spiffe://cluster.local/ns/shop/sa/orders',
  );
  return metrics;
}

function text(metrics: TrafficMetrics): string {
  return expositionText(trafficFamilies(metrics));
}

/** Labels of the only series of requests that has these. */
function labelled(metrics: TrafficMetrics, ...parts: readonly string[]): string[] {
  return text(metrics)
    .split('\n')
    .filter((line) => line.startsWith('istio_requests_total{') && parts.every((part) => line.includes(part)));
}

describe('what passes a data plane', () => {
  it('is counted at the destination by who called', () => {
    const metrics = sidecar();
    const web = caller('web');
    for (let count = 0; count < 3; count += 1) metrics.inbound(web, PAGE);
    assert.deepEqual(labelled(metrics, 'response_code="200"'), [
      'istio_requests_total{reporter="destination",' +
        'source_workload="web",source_workload_namespace="shop",source_principal="spiffe://cluster.local/ns/shop/sa/web",' +
        'source_app="unknown",source_version="unknown",source_canonical_service="web",source_canonical_revision="latest",' +
        'destination_workload="orders",destination_workload_namespace="shop",' +
        'destination_principal="spiffe://cluster.local/ns/shop/sa/orders",destination_app="orders",destination_version="v1",' +
        'destination_canonical_service="orders",destination_canonical_revision="v1",destination_service="orders.shop.svc",' +
        'destination_service_name="orders",destination_service_namespace="shop",request_protocol="http",response_flags="-",' +
        'connection_security_policy="mutual_tls",response_code="200",grpc_response_status=""} 3',
    ]);
  });

  it('is counted at the source by what was called', () => {
    const metrics = sidecar();
    metrics.outbound(instance('users'), PAGE);
    const [line = ''] = labelled(metrics, 'reporter="source"');
    for (const part of ['source_workload="orders"', 'destination_service="users.shop.svc"', 'destination_version="v2"'])
      assert.ok(line.includes(part), part);
    assert.ok(line.includes('connection_security_policy="unknown"'));
  });

  const outcomes: readonly (readonly [rule: string, numbers: Partial<RequestNumbers>, parts: readonly string[]])[] = [
    ['each code apart', { responseCode: 503 }, ['response_code="503"']],
    ['each flag apart', { responseCode: 403, responseFlags: 'UAEX' }, ['response_flags="UAEX"']],
    ['gRPC by its status', { reason: 'grpc-status 5' }, ['request_protocol="grpc"', 'grpc_response_status="5"']],
  ];
  for (const [rule, numbers, parts] of outcomes) {
    it(`is counted ${rule}`, () => {
      const metrics = sidecar();
      const web = caller('web');
      metrics.inbound(web, PAGE);
      metrics.inbound(web, { ...PAGE, ...numbers });
      metrics.inbound(web, PAGE);
      metrics.inbound(web, { ...PAGE, ...numbers });
      assert.match(labelled(metrics, ...parts).join(), / 2$/);
      assert.equal(labelled(metrics).length, 2);
    });
  }

  it('has no identity over plaintext', () => {
    const metrics = sidecar();
    metrics.inbound(PLAINTEXT, PAGE);
    assert.equal(labelled(metrics, 'connection_security_policy="none"', 'source_principal="unknown"').length, 1);
  });

  it("has Istio's names where it leads out of the mesh, or nowhere", () => {
    const metrics = sidecar();
    metrics.outbound(OUTSIDE, PAGE);
    metrics.outbound(NOWHERE, { ...PAGE, responseCode: 503, responseFlags: 'NR' });
    assert.equal(labelled(metrics, 'destination_service="PassthroughCluster"').length, 1);
    assert.equal(labelled(metrics, 'destination_service="BlackHoleCluster"').length, 1);
  });

  it('falls into buckets of which each holds those below it', () => {
    const metrics = sidecar();
    const web = caller('web');
    for (const durationMicros of [400, 500, 1000, 4_000_000_000]) metrics.inbound(web, { ...PAGE, durationMicros });
    const buckets = [...text(metrics).matchAll(/istio_request_duration_milliseconds_bucket\{.*le="([^"]+)"\} (\d+)/g)];
    assert.deepEqual(
      buckets.slice(0, 3).map(([, bound, count]) => [bound, count]),
      [
        ['0.5', '2'],
        ['1', '3'],
        ['5', '3'],
      ],
    );
    assert.deepEqual(buckets.at(-1)?.slice(1), ['+Inf', '4']);
    assert.match(text(metrics), /istio_request_duration_milliseconds_sum\{[^\n]*\} 4000001.9\n/);
  });

  it('is counted for callers without number in a bounded number of series', () => {
    const metrics = sidecar();
    for (let index = 0; index < 3000; index += 1) metrics.inbound(caller(`c${index}`), PAGE);
    assert.equal(metrics.requests.size, 2001);
    assert.match(labelled(metrics, 'source_workload="other"', 'response_code="2xx"').join(), / 1000$/);
  });

  it('is counted by a new name of this workload from then on', () => {
    const metrics = sidecar();
    const web = caller('web');
    metrics.inbound(web, PAGE);
    const batch = { namespace: 'shop', serviceAccount: 'batch', service: '', labels: {} };
    metrics.setSelf(batch, 'spiffe://cluster.local/ns/shop/sa/batch');
    metrics.inbound(web, PAGE);
    assert.equal(labelled(metrics, 'destination_workload="batch"').length, 1);
  });

  it('is counted without HTTP when it opens and when it is over', () => {
    const metrics = sidecar();
    const web = caller('web');
    metrics.inboundOpened(web);
    metrics.inboundOpened(web);
    metrics.inboundClosed(web, { ...PAGE, bytesReceived: 5, bytesSent: 7 });
    for (const expected of [
      /^istio_tcp_connections_opened_total\{.*request_protocol="tcp".*\} 2$/m,
      /^istio_tcp_connections_closed_total\{.*\} 1$/m,
      /^istio_tcp_received_bytes_total\{.*\} 5$/m,
      /^istio_tcp_sent_bytes_total\{.*\} 7$/m,
    ])
      assert.match(text(metrics), expected);
  });
});

describe('what a data plane refused or mended', () => {
  const figures = (name: string): ClusterFigures => {
    const counts = Object.assign(new ClusterCounts(), {
      ejections: 2,
      retries: 7,
      retriesUsedUp: 1,
      shed: 3,
      stale: 4,
    });
    return { name, counts, ejected: 1, isOpen: true, opened: 5 };
  };

  it('is counted by service, port and subset that rules are about', () => {
    const metrics = sidecar();
    metrics.watch({ clusters: () => [figures('outbound|80|v1|users.shop.svc')] });
    for (const sample of [
      'envoy_cluster_outlier_detection_ejections_enforced_total{cluster_name="outbound|80|v1|users.shop.svc"} 2',
      'envoy_cluster_outlier_detection_ejections_active{cluster_name="outbound|80|v1|users.shop.svc"} 1',
      'envoy_cluster_circuit_breakers_default_rq_open{cluster_name="outbound|80|v1|users.shop.svc"} 1',
      'envoy_cluster_upstream_rq_pending_overflow{cluster_name="outbound|80|v1|users.shop.svc"} 3',
      'envoy_cluster_upstream_rq_retry{cluster_name="outbound|80|v1|users.shop.svc"} 7',
      'rampart_breakers_opened_total{cluster_name="outbound|80|v1|users.shop.svc"} 5',
      'rampart_fallbacks_total{cluster_name="outbound|80|v1|users.shop.svc",answer="stale"} 4',
    ])
      assert.ok(text(metrics).includes(`${sample}\n`), sample);
  });

  it('is counted for services without number in a bounded number of series', () => {
    const metrics = sidecar();
    metrics.watch({ clusters: () => Array.from({ length: 600 }, (_, index) => figures(`outbound|80||s${index}`)) });
    const retries = text(metrics).match(/^envoy_cluster_upstream_rq_retry\{.*$/gm) ?? [];
    assert.deepEqual(
      [retries.length, retries.at(-1)],
      [501, 'envoy_cluster_upstream_rq_retry{cluster_name="other"} 700'],
    );
  });

  const refusals: readonly (readonly [rule: string, refuse: (metrics: TrafficMetrics) => void, sample: string])[] = [
    [
      'for want of room in the application',
      (metrics) => metrics.inbound(caller('web'), { ...PAGE, responseFlags: 'UO' }),
      'rampart_requests_shed_total 1',
    ],
    [
      'on its way out by the policy that denies it',
      (metrics) =>
        metrics.outbound(NOWHERE, { ...PAGE, responseFlags: 'UH', decision: 'DENY', policy: 'istio-system/default' }),
      'rampart_egress_denied_total{policy="istio-system/default"} 1',
    ],
    [
      'on its way out without HTTP',
      (metrics) =>
        metrics.outboundClosed(NOWHERE, { ...PAGE, responseFlags: 'UAEX', decision: 'DENY', policy: 'shop/lock' }),
      'rampart_egress_denied_total{policy="shop/lock"} 1',
    ],
  ];
  for (const [rule, refuse, sample] of refusals) {
    it(`is counted ${rule}`, () => {
      const metrics = sidecar();
      refuse(metrics);
      assert.ok(text(metrics).includes(`${sample}\n`), text(metrics));
    });
  }

  it('is no denial where a name leads nowhere', () => {
    const metrics = sidecar();
    metrics.outbound(NOWHERE, { ...PAGE, responseFlags: 'NR', decision: 'DENY' });
    assert.doesNotMatch(text(metrics), /rampart_egress_denied_total/);
  });
});

describe('what several processes count', () => {
  it('is added up by labels', () => {
    const [one, two] = [sidecar(), sidecar()];
    one.inbound(caller('web'), PAGE);
    two.inbound(caller('web'), PAGE);
    two.inbound(caller('batch'), PAGE);
    const sum = expositionText(merged([trafficFamilies(one), trafficFamilies(two)]));
    assert.match(sum, /^istio_requests_total\{.*source_workload="web".*\} 2$/m);
    assert.match(sum, /^istio_requests_total\{.*source_workload="batch".*\} 1$/m);
    assert.equal(sum.match(/^# TYPE istio_requests_total counter$/gm)?.length, 1);
    assert.match(sum, /^istio_response_bytes_bucket\{.*source_workload="web".*le="\+Inf"\} 2$/m);
  });
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;

it('Prometheus finds nothing wrong with the text', { skip: promtool ? false : 'no promtool on this machine' }, () => {
  const metrics = sidecar();
  metrics.inbound(caller('web'), PAGE);
  metrics.inbound(PLAINTEXT, { ...PAGE, responseFlags: 'a"b\\c\nd' });
  metrics.inboundOpened(caller('web'));
  const plane = { view: { ready: true, revision: 7 }, identity: { current: undefined } };
  const families = [...trafficFamilies(metrics), ...planeFamilies(plane), ...processFamilies(process)];
  const { stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: expositionText(families) });
  // The name is Istio's, and what dashboards ask for.
  const expected = 'istio_request_duration_milliseconds use base unit "seconds" instead of "milliseconds"\n';
  assert.equal(`${stdout.toString()}${stderr.toString()}`, expected);
});
