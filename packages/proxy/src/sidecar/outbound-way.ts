import { steadyClock } from '@rampart/core';
import { createIds, EgressDenied, Outbound, OutboundRecorder, OutboundTcpRecorder } from '@rampart/mesh';
import type { DataPlane } from '@rampart/mesh';

import type { CapturedConnection, OutboundDoor } from '../capture/captured-connection.ts';
import { AddressRoutes } from '../outbound/address-routes.ts';
import { InstanceAddresses } from '../outbound/instance-addresses.ts';
import { CapturedHttp } from '../outbound/captured-http.ts';
import { awaitVersion } from '../http/version.ts';
import type { VersionWaiting } from '../http/version.ts';
import { Instances } from '../outbound/instances.ts';
import { OutboundHttp } from '../outbound/outbound-http.ts';
import type { Destination } from '../outbound/destination.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { PendingStream } from '../stream/pending-stream.ts';
import { joiner } from '../tcp/join.ts';
import { OutboundTcp } from '../tcp/outbound-tcp.ts';
import { Outside } from '../tcp/outside.ts';
import { writeTrace } from '../tcp/trace-metadata.ts';
import { countLinks } from './sidecar-metrics.ts';
import type { OpenWays } from './sidecar-metrics.ts';
import type { Surroundings } from './sidecar-config.ts';

export interface OutboundWayOptions extends Surroundings {
  /** Nothing goes back into the mesh: what an egress gateway was asked for by a service of the mesh may not come round to it. */
  readonly onlyLeaves?: boolean;
}

/** The way out of a sidecar, over HTTP and without. */
export class OutboundWay implements OutboundDoor {
  readonly http: OutboundHttp;
  readonly tcp: OutboundTcp;
  readonly route: Outbound;
  /** Host of the service that an address of the loopback stands for; set by who gives out such addresses. */
  nameAt: (address: string) => string | undefined = () => undefined;
  /** Ports of this host that lead here; added by who opens them. */
  readonly doors: Set<number> = new Set();
  readonly #routes: AddressRoutes;
  readonly #addresses: InstanceAddresses;
  readonly #captured: CapturedHttp;
  readonly #outside: Outside;
  readonly #instances: Instances;
  #isDraining = false;

  constructor(plane: DataPlane, { clock, stopwatch, random, onlyLeaves = false }: OutboundWayOptions) {
    const ids = createIds();
    const outbound = new Outbound(plane, { clock, stopwatch, random });
    const steady = steadyClock(clock, () => stopwatch.elapsed());
    const instances = new Instances({ outbound, clock, steady, random });
    const requests = new OutboundRecorder(plane, { ids, stopwatch, parent: () => undefined });
    const connections = new OutboundTcpRecorder(plane, stopwatch);
    this.route = outbound;
    this.#instances = instances;
    this.#addresses = new InstanceAddresses(plane.view);
    this.#routes = new AddressRoutes({
      outbound,
      instances: this.#addresses,
      nameAt: (address) => this.nameAt(address),
    });
    this.#outside = outsideOf(outbound, this.doors);
    this.tcp = new OutboundTcp({
      route: (host, port) => (onlyLeaves ? outbound.exit(host, port) : this.#routes.route({ host, port })),
      dial: (target, trace, signal) => instances.of(target).connect('tcp', signal, writeTrace(trace)),
      leave: (destination, signal) => this.#outside.connect(destination, signal),
      recorder: connections,
      ids,
      clock: steady,
      stopwatch,
    });
    this.http = new OutboundHttp({
      recorder: requests,
      route: (destination) =>
        onlyLeaves ? outbound.exit(destination.host, destination.port) : this.#routes.routeRequest(destination),
      pool: (target) => instances.of(target).http,
      outside: (destination) => this.#leave(destination),
      started: ({ endpoint }) => plane.picker.started(endpoint),
      finished: ({ endpoint }) => plane.picker.finished(endpoint),
      join: joiner(steady),
      isDraining: () => this.#isDraining,
      clock: steady,
    });
    this.#captured = new CapturedHttp({
      serve: (stream, head, destination) => this.requests({ stream, head, clock }, destination),
      recorder: connections,
      ids,
      clock,
      stopwatch,
    });
    plane.identity.subscribe((svid) => {
      const workload = plane.workload();
      const self = workload?.service === '' ? workload.serviceAccount : (workload?.service ?? '');
      requests.setSelf(self, svid.spiffeId.toString());
      connections.setSelf(self, svid.spiffeId.toString());
      instances.retire(undefined, svid.isUrgent);
    });
    plane.view.subscribe((change) => {
      if (change.gone.size > 0) instances.retire(change.gone);
      if (change.policy || change.traffic || change.revocations || change.peers || change.services.length > 0)
        outbound.connections.judgeAgain((socket, verdict) =>
          socket.destroy(new EgressDenied(socket.remoteAddress ?? 'a host', verdict)),
        );
    });
  }

  /** HTTP where the service speaks it, and bytes otherwise. */
  connected(captured: CapturedConnection): void {
    const route = this.#routes.route(captured.destination);
    if (route.kind === 'mesh' && HTTP.has(route.target.endpoint.protocol))
      this.#captured.connected(captured, route.target);
    else this.tcp.connected(captured);
  }

  /** Requests of either version of HTTP; `captured` is where their connection was meant to go, if anywhere. */
  requests({ stream, head, clock }: Omit<VersionWaiting, 'patience'>, captured?: Destination): void {
    awaitVersion({ stream, head, clock, patience: OPENING_MS }, (version, bytes) => {
      this.http.accept({ stream, version, head: bytes, captured });
      stream.resume();
    });
  }

  get ways(): OpenWays {
    return { connections: this.http.open + this.tcp.open, ...countLinks(this.#instances.links) };
  }

  drain(): void {
    this.#isDraining = true;
    this.http.drain();
  }

  close(): void {
    this.tcp.close('the sidecar stops');
    this.#captured.close();
    this.http.close();
    this.#instances.close();
    this.#addresses.close();
  }

  #leave(destination: Destination): ByteStream {
    const pending = new PendingStream();
    const giveUp = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    this.#outside.connect(destination, giveUp).then(
      ({ stream }) => pending.opened(stream),
      (error: unknown) => pending.failed(error instanceof Error ? error : new Error(String(error))),
    );
    return pending;
  }
}

function outsideOf(outbound: Outbound, doors: ReadonlySet<number>): Outside {
  return new Outside({
    toAddress: (address, port) => outbound.egress.toAddress(address, port),
    toOutside: (host, port) => outbound.egress.toOutside(host, port),
    wayOut: (destination) => outbound.wayOut(destination),
    follow: (socket, judge) => outbound.connections.follow(socket, judge),
    isOwnDoor: (port) => doors.has(port),
  });
}

const CONNECT_TIMEOUT_MS = 10_000;
/** For the first line of a request that has begun. */
const OPENING_MS = 10_000;
/** Names of protocols whose requests are judged one by one. */
const HTTP: ReadonlySet<string> = new Set(['http', 'http2', 'grpc']);
