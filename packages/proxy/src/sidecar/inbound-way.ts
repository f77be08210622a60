import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';

import {
  createIds,
  describeRefusal,
  ExternalAuthorizer,
  InboundRecorder,
  InboundTcpRecorder,
  Preliminaries,
  TcpJudge,
} from '@rampart/mesh';
import type { DataPlane, Outbound, Refusal } from '@rampart/mesh';

import { ApplicationPools } from '../inbound/application-pools.ts';
import { InboundHttp } from '../inbound/inbound-http.ts';
import { LoadBalancers } from '../inbound/load-balancers.ts';
import { Load } from '../inbound/load.ts';
import { MeshListener, speaksHttp2 } from '../inbound/mesh-listener.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import { announcementOf, connectToApplication } from '../tcp/application.ts';
import { InboundTcp } from '../tcp/inbound-tcp.ts';
import { joiner } from '../tcp/join.ts';
import { readTrace } from '../tcp/trace-metadata.ts';
import { countLinks } from './sidecar-metrics.ts';
import type { OpenWays } from './sidecar-metrics.ts';
import type { Application, Surroundings } from './sidecar-config.ts';

const LOOK_AGAIN_MS = 50;

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
    this.#pools = poolsOf(application);
    this.#http = new InboundHttp({
      ids,
      stopwatch,
      clock,
      recorder: requests,
      preliminaries: new Preliminaries({ plane, external, ownPrincipal, stopwatch }),
      limits: plane.limits,
      application: (caller) => this.#pools.of(caller),
      load: new Load(),
      join: joiner(clock),
      isDraining: () => this.#isDraining,
    });
    this.#tcp = new InboundTcp({
      judge: new TcpJudge({ view: plane.view, external, clock, ownPrincipal }),
      recorder: connections,
      ids,
      clock,
      stopwatch,
      connect: connectToApplication({ host, port: () => port, proxyProtocol }),
    });
    this.#listener = new MeshListener({
      plane,
      clock,
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

  /** Listens, and has the application registered; resolves with the port. */
  async listen(): Promise<number> {
    const { mesh, instanceHost, protocol, traits } = this.#application;
    const port = await this.#listener.listen(mesh);
    const host = instanceHost !== '' ? instanceHost : isWildcard(mesh.host) ? '' : mesh.host;
    this.#options.plane.instances.add({ instanceId: randomUUID(), host, port, protocol, traits });
    return port;
  }

  get ways(): OpenWays {
    return { connections: this.#http.open + this.#tcp.open, ...countLinks(this.#listener.links) };
  }

  /** Takes nothing new; resolves when what is under way is over, or after `milliseconds`. */
  drain(milliseconds: number): Promise<void> {
    const { clock } = this.#options.surroundings;
    this.#isDraining = true;
    this.#listener.drain();
    this.#http.drain();
    const until = clock.now() + milliseconds;
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#http.open + this.#tcp.open === 0 || clock.now() >= until) resolve();
        else clock.after(LOOK_AGAIN_MS, look);
      };
      look();
    });
  }

  close(): void {
    this.#tcp.close('the sidecar stops');
    this.#http.close();
    this.#pools.close();
    this.#listener.close();
  }

  #refused(refusal: Refusal): void {
    const { surroundings, plane } = this.#options;
    const event = describeRefusal(refusal, surroundings.clock.now());
    const { kind, reason, remoteAddress } = event;
    surroundings.log.info('connection refused', { kind, reason, from: remoteAddress });
    plane.telemetry.refused(event);
  }
}

function poolsOf({ host, port, protocol, proxyProtocol }: Application): ApplicationPools {
  return new ApplicationPools({
    open: () => new SocketStream(connect({ host, port, allowHalfOpen: true, noDelay: true })),
    isHttp2: speaksHttp2(protocol),
    announcement: proxyProtocol && ((caller) => announcementOf(caller, proxyProtocol)),
  });
}

/** A wildcard address is no place to connect to. */
function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
