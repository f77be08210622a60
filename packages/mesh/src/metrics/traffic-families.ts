import { clusterFamilies } from './cluster-families.ts';
import { histogramSamples } from './families.ts';
import type { MetricFamily } from './families.ts';
import type { RequestSeries, TcpSeries } from './request-series.ts';
import type { TrafficMetrics } from './traffic-metrics.ts';

/** What passes a data plane, and what it did about it. */
export function trafficFamilies(metrics: TrafficMetrics): readonly MetricFamily[] {
  const { egressDenied, shed } = metrics;
  return [
    ...standardFamilies(metrics),
    ...clusterFamilies(metrics.clusters()),
    egressDenied.family('rampart_egress_denied_total', 'Requests and connections that were not let out.'),
    {
      name: 'rampart_requests_shed_total',
      type: 'counter',
      help: 'Requests that came when as many as the application is given were under way.',
      samples: [['', '', shed]],
    },
  ];
}

/** Istio's standard metrics (https://istio.io/latest/docs/reference/config/metrics/). */
function standardFamilies({ requests, connections }: TrafficMetrics): readonly MetricFamily[] {
  const http = [...requests.values()];
  const tcp = [...connections.values()];
  const histogram = (
    name: string,
    help: string,
    of: (series: RequestSeries) => Parameters<typeof histogramSamples>[1],
  ): MetricFamily => ({
    name,
    type: 'histogram',
    help,
    samples: http.flatMap((series) => histogramSamples(series.labels, of(series))),
  });
  const counter = (name: string, help: string, of: (series: TcpSeries) => number): MetricFamily => ({
    name,
    type: 'counter',
    help,
    samples: tcp.map((series) => ['', series.labels, of(series)]),
  });
  return [
    {
      name: 'istio_requests_total',
      type: 'counter',
      help: 'Requests by who called whom, and how it ended.',
      samples: http.map(({ labels, requests: count }) => ['', labels, count]),
    },
    histogram(
      'istio_request_duration_milliseconds',
      'From the head of a request to the last byte of its answer.',
      ({ milliseconds }) => milliseconds,
    ),
    histogram('istio_request_bytes', 'Bodies of requests.', ({ requestBytes }) => requestBytes),
    histogram('istio_response_bytes', 'Bodies of answers.', ({ responseBytes }) => responseBytes),
    counter('istio_tcp_connections_opened_total', 'Connections without HTTP that were opened.', ({ opened }) => opened),
    counter('istio_tcp_connections_closed_total', 'Connections without HTTP that are over.', ({ closed }) => closed),
    counter(
      'istio_tcp_received_bytes_total',
      'Bytes from callers of connections that are over.',
      (each) => each.receivedBytes,
    ),
    counter('istio_tcp_sent_bytes_total', 'Bytes to callers of connections that are over.', (each) => each.sentBytes),
  ];
}
