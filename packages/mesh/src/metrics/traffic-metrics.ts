import type { RecordInput } from '@rampart/wire/record-block';

import type { AttestedWorkload } from '../control/attestation.ts';
import { describedGrpcStatus } from '../grpc/grpc-status.ts';
import type { InboundConnection } from '../inbound/connection.ts';
import type { PeerIdentity } from '../identity/peer.ts';
import type { Target } from '../outbound/outbound.ts';
import type { MeshEndpoint } from '../view/endpoint.ts';
import { ResponseFlag } from '../record/flags.ts';
import type { ClusterFigures, ClusterSource } from '../traffic/group/cluster-counts.ts';
import { labelText } from './families.ts';
import { RefusalCounts } from './refusal-counts.ts';
import { RequestSeries, SeriesOfPeer, TcpSeries } from './request-series.ts';
import { standardLabels } from './standard-labels.ts';
import type { MetricEnd, MetricService, StandardLabels } from './standard-labels.ts';

/** What a record says of a request that is over, in numbers: durations in microseconds, sizes of bodies in bytes. */
export type RequestNumbers = Readonly<
  Pick<
    RecordInput,
    | 'responseCode'
    | 'responseFlags'
    | 'durationMicros'
    | 'bytesReceived'
    | 'bytesSent'
    | 'reason'
    | 'policy'
    | 'decision'
  >
>;

/** The same of a connection without HTTP. */
export type TcpNumbers = Readonly<
  Pick<RecordInput, 'responseFlags' | 'bytesReceived' | 'bytesSent' | 'policy' | 'decision'>
>;

/** Who called: an inbound connection. */
export interface Caller extends Pick<InboundConnection, 'sourcePrincipal'> {
  readonly peer: Pick<PeerIdentity, 'spiffeId'> | undefined;
}

/** A workload, as its identity describes it. */
export type CountedWorkload = Pick<AttestedWorkload, 'namespace' | 'serviceAccount' | 'service' | 'labels'>;

/** Who this data plane stands for. */
interface MetricSelf {
  readonly end: MetricEnd;
  readonly service: string;
}

/** Where a request went that did not go to an instance of the mesh. Istio's names for the two. */
export const OUTSIDE: MetricService = { host: 'PassthroughCluster', name: 'PassthroughCluster', namespace: '' };
export const NOWHERE: MetricService = { host: 'BlackHoleCluster', name: 'BlackHoleCluster', namespace: '' };

const NOBODY: MetricEnd = { workload: '', namespace: '', principal: '', app: '', version: '' };
/** Stands for all that there are too many of. */
const OTHERS: MetricEnd = { workload: 'other', namespace: 'other', principal: 'other', app: 'other', version: '' };
const OTHER_SERVICE: MetricService = { host: 'other', name: 'other', namespace: 'other' };
/** Series of one kind that are kept apart: callers and services decide how many there are, this decides how many count. */
const MOST_SERIES = 2000;
const CODES_OF_CLASS = 100;
const MICROS = 1000;

type Peer = Pick<StandardLabels, 'source' | 'destination' | 'service' | 'reporter' | 'security'>;

/** What passes a data plane, counted by Istio's labels. A request that is like the one before it costs no look-up by text. */
export class TrafficMetrics {
  readonly requests: Map<string, RequestSeries> = new Map();
  readonly connections: Map<string, TcpSeries> = new Map();
  /** Requests and connections that were not let out. */
  readonly egressDenied: RefusalCounts = new RefusalCounts();
  /** Requests that came when as many as the application is given were under way. */
  shed = 0;
  #clusters: ClusterSource | undefined;
  #self: MetricSelf = { end: NOBODY, service: '' };
  #inbound = new WeakMap<Caller, SeriesOfPeer>();
  #outbound = new WeakMap<MeshEndpoint, SeriesOfPeer>();
  /** By the host of a service of which no instance was called. */
  readonly #astray = new Map<string, SeriesOfPeer>();

  /** Called when identity or workload change: what is counted from now on is counted for it. */
  setSelf(workload: CountedWorkload | undefined, principal: string): void {
    if (workload === undefined) return;
    const { namespace, serviceAccount, service, labels } = workload;
    this.#self = {
      service: service === '' ? '' : `${service}.${namespace}.svc`,
      end: {
        workload: serviceAccount,
        namespace,
        principal,
        app: labels['app'] ?? '',
        version: labels['version'] ?? '',
      },
    };
    this.#inbound = new WeakMap();
    this.#outbound = new WeakMap();
    this.#astray.clear();
  }

  /** Where figures about calls under rules come from. */
  watch(clusters: ClusterSource): void {
    this.#clusters = clusters;
  }

  clusters(): readonly ClusterFigures[] {
    return this.#clusters?.clusters() ?? [];
  }

  inbound(connection: Caller, numbers: RequestNumbers): void {
    if (numbers.responseFlags === ResponseFlag.overloaded) this.shed += 1;
    let peer = this.#inbound.get(connection);
    if (peer === undefined) {
      peer = this.#seriesOf(this.#caller(connection));
      this.#inbound.set(connection, peer);
    }
    count(peer, numbers);
  }

  /** `target` is a service where no instance of the mesh was called. */
  outbound(target: Target | MetricService, numbers: RequestNumbers): void {
    this.#judge(numbers);
    count(this.#called(target), numbers);
  }

  inboundOpened(connection: Caller): void {
    this.#tcp(this.#caller(connection), '-').opened += 1;
  }

  inboundClosed(connection: Caller, numbers: TcpNumbers): void {
    closed(this.#tcp(this.#caller(connection), numbers.responseFlags), numbers);
  }

  outboundOpened(target: Target | MetricService): void {
    this.#tcp(this.#callee(target), '-').opened += 1;
  }

  outboundClosed(target: Target | MetricService, numbers: TcpNumbers): void {
    this.#judge(numbers);
    closed(this.#tcp(this.#callee(target), numbers.responseFlags), numbers);
  }

  /** A name that leads nowhere is denied as well, by no policy. */
  #judge({ decision, policy, responseFlags }: TcpNumbers): void {
    if (decision === 'DENY' && (policy !== '' || responseFlags === ResponseFlag.denied)) this.egressDenied.add(policy);
  }

  #called(target: Target | MetricService): SeriesOfPeer {
    const isAstray = !('endpoint' in target);
    const known = isAstray ? this.#astray.get(target.host) : this.#outbound.get(target.endpoint);
    if (known !== undefined) return known;
    const peer = this.#seriesOf(this.#callee(target));
    if (isAstray) this.#astray.set(target.host, peer);
    else this.#outbound.set(target.endpoint, peer);
    return peer;
  }

  #caller({ peer, sourcePrincipal }: Caller): Peer {
    const { end, service } = this.#self;
    const caller = peer?.spiffeId;
    return {
      reporter: 'destination',
      source: {
        ...NOBODY,
        workload: caller?.serviceAccount ?? '',
        namespace: caller?.namespace ?? '',
        principal: sourcePrincipal,
      },
      destination: end,
      service: { host: service, name: service.split('.', 1)[0] ?? '', namespace: service === '' ? '' : end.namespace },
      security: peer === undefined ? 'none' : 'mutual_tls',
    };
  }

  #callee(target: Target | MetricService): Peer {
    const peer = { reporter: 'source', source: this.#self.end, security: 'unknown' } as const;
    if (!('endpoint' in target)) return { ...peer, destination: NOBODY, service: target };
    const { service, endpoint } = target;
    return { ...peer, destination: endOf(endpoint), service };
  }

  #seriesOf(peer: Peer): SeriesOfPeer {
    return new SeriesOfPeer(({ code, flag, grpcStatus }) => {
      const protocol = grpcStatus === '' ? 'http' : 'grpc';
      const textFor = (who: Peer, responseCode: string): string =>
        labelText([
          ...standardLabels({ ...who, protocol, flag }),
          ['response_code', responseCode],
          ['grpc_response_status', grpcStatus],
        ]);
      const text = textFor(peer, String(code));
      return (
        this.requests.get(text) ??
        added(
          this.requests,
          this.requests.size < MOST_SERIES ? text : textFor(crowd(peer), `${Math.floor(code / CODES_OF_CLASS)}xx`),
          (labels) => new RequestSeries(labels),
        )
      );
    });
  }

  #tcp(peer: Peer, flag: string): TcpSeries {
    const textFor = (who: Peer): string => labelText(standardLabels({ ...who, protocol: 'tcp', flag }));
    const text = textFor(peer);
    const known = this.connections.get(text);
    if (known !== undefined) return known;
    const slot = this.connections.size < MOST_SERIES ? text : textFor(crowd(peer));
    return added(this.connections, slot, (labels) => new TcpSeries(labels));
  }
}

function count(peer: SeriesOfPeer, numbers: RequestNumbers): void {
  const series = peer.of(numbers.responseCode, numbers.responseFlags, describedGrpcStatus(numbers.reason));
  series.requests += 1;
  series.milliseconds.observe(numbers.durationMicros / MICROS);
  series.requestBytes.observe(numbers.bytesReceived);
  series.responseBytes.observe(numbers.bytesSent);
}

function closed(series: TcpSeries, { bytesReceived, bytesSent }: TcpNumbers): void {
  series.closed += 1;
  series.receivedBytes += bytesReceived;
  series.sentBytes += bytesSent;
}

function crowd(peer: Peer): Peer {
  return peer.reporter === 'destination'
    ? { ...peer, source: OTHERS }
    : { ...peer, destination: OTHERS, service: OTHER_SERVICE };
}

function added<Series>(all: Map<string, Series>, labels: string, create: (labels: string) => Series): Series {
  const known = all.get(labels);
  if (known !== undefined) return known;
  const series = create(labels);
  all.set(labels, series);
  return series;
}

function endOf({ identity, spiffeId, labels }: MeshEndpoint): MetricEnd {
  return {
    workload: spiffeId.serviceAccount ?? '',
    namespace: spiffeId.namespace ?? '',
    principal: identity,
    app: labels['app'] ?? '',
    version: labels['version'] ?? '',
  };
}
