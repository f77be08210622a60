import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';

import { steadyClock } from '@rampart/core';
import type { Clock } from '@rampart/core';
import {
  createIds,
  describeRefusal,
  ExternalAuthorizer,
  InboundRecorder,
  InboundTcpRecorder,
  isUnreached,
  Preliminaries,
  TcpJudge,
} from '@rampart/mesh';
import type { DataPlane, LocalInstance, Outbound, Refusal } from '@rampart/mesh';

import { ApplicationPools } from '../inbound/application-pools.ts';
import { InboundHttp } from '../inbound/inbound-http.ts';
import { LoadBalancers } from '../inbound/load-balancers.ts';
import { Load } from '../inbound/load.ts';
import { MeshListener, speaksHttp2 } from '../inbound/mesh-listener.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import { announcementOf, connectToApplication } from '../tcp/application.ts';
import { InboundTcp } from '../tcp/inbound-tcp.ts';
import type { InboundTcpOptions } from '../tcp/inbound-tcp.ts';
import { joiner } from '../tcp/join.ts';
import { readTrace } from '../tcp/trace-metadata.ts';
import { countLinks } from './sidecar-metrics.ts';
import type { OpenWays } from './sidecar-metrics.ts';
import { PARTING_MS, whenParted } from './parting.ts';
import { Presence } from './presence.ts';
import type { Application, Surroundings } from './sidecar-config.ts';

/** Registrations are known to everybody within a few milliseconds, checks of their health take longer. */
const TAKEN_WITHIN_MS = 5_000;

export interface InboundWayOptions {
  readonly plane: DataPlane;
  /** For external authorizers. */
  readonly outbound: Outbound;
  readonly surroundings: Surroundings;
}

/** The way in to the application behind a sidecar, over HTTP and without. */
export class InboundWay {
  readonly #application: Application;
  readonly #options: InboundWayOptions;
  readonly #listener: MeshListener;
  readonly #http: InboundHttp;
  readonly #tcp: InboundTcp;
  readonly #pools: ApplicationPools;
  readonly #presence: Presence;
  #place: Omit<LocalInstance, 'instanceId'> | undefined;
  #instanceId = '';
  #isDraining = false;

  constructor(application: Application, options: InboundWayOptions) {
    this.#application = application;
    this.#options = options;
    const { plane, outbound, surroundings } = options;
    const { clock, stopwatch, random } = surroundings;
    const { host, port, protocol, proxyProtocol } = application;
    const ownPrincipal = (): string => plane.identity.current?.spiffeId.toString() ?? '';
    const external = new ExternalAuthorizer({ connect: (to, at) => outbound.connect(to, at), clock });
    const requests = new InboundRecorder(plane, stopwatch);
    const connections = new InboundTcpRecorder(plane, stopwatch);
    const ids = createIds();
    this.#presence = new Presence({
      ...{ host, port, clock, log: surroundings.log },
      arrived: () => this.#arrive(),
      left: () => this.#leave(),
    });
    const steady = steadyClock(clock, () => stopwatch.elapsed());
    this.#pools = poolsOf(application, () => this.#connect(), steady);
    this.#http = new InboundHttp({
      ids,
      stopwatch,
      clock,
      recorder: requests,
      preliminaries: new Preliminaries({ plane, external, ownPrincipal, stopwatch }),
      limits: plane.limits,
      application: (caller) => this.#pools.of(caller),
      load: new Load(),
      join: joiner(steady),
      isDraining: () => this.#isDraining,
    });
    this.#tcp = new InboundTcp({
      judge: new TcpJudge({ view: plane.view, external, clock, ownPrincipal }),
      recorder: connections,
      ids,
      clock: steady,
      stopwatch,
      connect: this.#watched(connectToApplication({ host, port: () => port, proxyProtocol })),
    });
    this.#listener = new MeshListener({
      ...(surroundings.listen === undefined ? {} : { listen: surroundings.listen }),
      plane,
      clock,
      stopwatch,
      random,
      loadBalancers: new LoadBalancers(application.loadBalancers ?? []),
      port,
      protocol,
      http: (arrival) => this.#http.accept(arrival),
      tcp: (connection, stream, metadata) => this.#tcp.accept({ connection, stream, trace: readTrace(metadata) }),
      refuse: (refusal) => this.#refused(refusal),
    });
    plane.identity.subscribe((svid) => {
      const workload = plane.workload();
      const service = workload?.service ?? '';
      const self = service === '' ? '' : `${service}.${workload?.namespace ?? ''}.svc`;
      requests.setSelf(self, svid.spiffeId.toString());
      connections.setSelf(self, svid.spiffeId.toString());
    });
  }

  /** Listens, and has the application registered once it takes connections; resolves with the port. */
  async listen(): Promise<number> {
    const { mesh, instanceHost, protocol, traits } = this.#application;
    const port = await this.#listener.listen(mesh);
    const host = instanceHost !== '' ? instanceHost : isWildcard(mesh.host) ? '' : mesh.host;
    this.#place = { host, port, protocol, traits };
    this.#presence.start();
    return port;
  }

  /** Out of the registry, for good. */
  withdraw(): void {
    this.#presence.stop();
    this.#leave();
  }

  get ways(): OpenWays {
    return { connections: this.#http.open + this.#tcp.open, ...countLinks(this.#listener.links) };
  }

  /** Asks callers to go elsewhere; resolves when what is under way is over, or after `milliseconds`. */
  drain(milliseconds: number): Promise<void> {
    const { clock } = this.#options.surroundings;
    this.#isDraining = true;
    this.#listener.drain();
    // Callers over links let go what is idle themselves: where both sides do, a request may meet a goodbye.
    clock.after(PARTING_MS, () => this.#http.drain());
    return whenParted(
      {
        clock,
        serving: () => this.#http.open + this.#tcp.open,
        links: () => this.#listener.links.size,
        lastArrival: () => this.#listener.lastArrival,
      },
      milliseconds,
    );
  }

  close(): void {
    this.#presence.stop();
    this.#tcp.close('the sidecar stops');
    this.#http.close();
    this.#pools.close();
    this.#listener.close();
  }

  #arrive(): void {
    if (this.#place === undefined) return;
    this.#instanceId = randomUUID();
    const { plane, surroundings } = this.#options;
    plane.instances.add({ ...this.#place, instanceId: this.#instanceId });
    surroundings.clock.after(TAKEN_WITHIN_MS, () => this.#lookForItself());
  }

  /** What the registry does not take, nobody calls, and nobody else would say so. */
  #lookForItself(): void {
    const { plane, surroundings } = this.#options;
    const workload = plane.workload();
    if (workload === undefined || !this.#presence.isThere) return;
    const { service, namespace } = workload;
    if (service === '') {
      surroundings.log.warn(
        'this identity is of no service: nobody finds the application; see rampart token create --service',
      );
      return;
    }
    const known = plane.view.service(service, namespace)?.endpoints ?? [];
    if (known.some(({ port }) => port === this.#place?.port)) return;
    surroundings.log.warn(
      'not in service at the registry: refused, waiting for approval, or not healthy; see rampart status and rampart registry show',
      { service, namespace },
    );
  }

  #leave(): void {
    this.#options.plane.instances.remove(this.#instanceId);
  }

  #connect(): SocketStream {
    const { host, port, protocol } = this.#application;
    const stream = speaksHttp2(protocol)
      ? new SocketStream(connect({ host, port, allowHalfOpen: true, noDelay: true }))
      : SocketStream.lending({ host, port });
    stream.socket.once('error', (error: Error) => this.#notice(error));
    return stream;
  }

  #watched(open: InboundTcpOptions['connect']): InboundTcpOptions['connect'] {
    return async (connection, signal) => {
      try {
        return await open(connection, signal);
      } catch (error) {
        this.#notice(error);
        throw error;
      }
    };
  }

  #notice(error: unknown): void {
    if (error instanceof Error && isUnreached(error)) this.#presence.refused();
  }

  #refused(refusal: Refusal): void {
    const { surroundings, plane } = this.#options;
    const event = describeRefusal(refusal, surroundings.clock.now());
    const { kind, reason, remoteAddress } = event;
    surroundings.log.info('connection refused', { kind, reason, from: remoteAddress });
    plane.telemetry.refused(event);
  }
}

function poolsOf({ protocol, proxyProtocol }: Application, open: () => SocketStream, clock: Clock): ApplicationPools {
  return new ApplicationPools({
    open,
    now: () => clock.now(),
    isHttp2: speaksHttp2(protocol),
    announcement: proxyProtocol && ((caller) => announcementOf(caller, proxyProtocol)),
  });
}

/** A wildcard address is no place to connect to. */
function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
