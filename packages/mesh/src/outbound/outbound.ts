import net from 'node:net';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { RampartError } from '@rampart/core';
import type { Clock, Random, Verdict } from '@rampart/core';

import type { DataPlane } from '../data-plane.ts';
import type { Stopwatch } from '../record/stopwatch.ts';
import type { HeldConnection } from '../traffic/limit/held-connection.ts';
import type { RuledService } from '../traffic/ruled-service.ts';
import type { TrafficRules } from '../traffic/settings/route.ts';
import { Traffic } from '../traffic/traffic.ts';
import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import { Dialler } from './dialler.ts';
import { EgressDenied } from './egress-denied.ts';
import { Egress } from './egress.ts';
import { OpenConnections } from './open-connections.ts';
import { deniedDestination, noDestination } from './no-destination.ts';
import { endpointsOn } from './endpoints-on.ts';
import { outsideName, resolve } from './resolve.ts';
import { OutgoingSignatures } from './sign/outgoing-signatures.ts';
import { wayOut } from './outside/way-out.ts';
import type { WayOut } from './outside/way-out.ts';

/** Where one outgoing call goes: an instance of a service of the mesh. */
export interface Target {
  readonly service: MeshService;
  readonly endpoint: MeshEndpoint;
  /** What rules hold a connection to it to on which requests are not told apart. */
  readonly held?: HeldConnection | undefined;
}

/** What the mesh makes of a host and port that the application wants to reach. */
export type Route = { readonly kind: 'mesh'; readonly target: Target } | { readonly kind: 'outside' } | FailedRoute;

interface FailedRoute {
  readonly kind: 'failed';
  readonly error: RampartError;
  readonly service: MeshService | undefined;
}

/** The same for one request; where rules are about the service, they say which instance. */
export type RequestRoute = Route | { readonly kind: 'ruled'; readonly ruled: RuledService };

/** What the outside world gives to the way out. */
export interface OutboundSurroundings {
  readonly clock: Clock;
  readonly stopwatch: Pick<Stopwatch, 'elapsed'>;
  readonly random: Random;
  /** Rules about what this workload calls, in place of those of the view. */
  readonly rules?: () => TrafficRules;
}

// Taken once, at load: names are resolved here, and not by the hook again.
const { connect } = net;

const MOST_AUTHORITIES = 1000;

const HTTP_PORT = 80;
/** Of hosts that are no service. */
const OUTSIDE_NAMESPACE = '';
const OUTSIDE: Route = { kind: 'outside' };

/** resolve → route → pick → dial, for whatever client. */
export class Outbound {
  /** Where NetworkPolicies let this workload connect to. */
  readonly egress: Egress;
  readonly connections: OpenConnections = new OpenConnections();
  /** Rules about what this workload calls. */
  readonly traffic: Traffic;
  readonly #plane: DataPlane;
  readonly #random: Random;
  readonly #dialler: Dialler;
  /** Authority of each origin lately called, undefined for those outside the mesh; forgotten whenever services change. */
  readonly #authorities = new Map<string, { readonly authority: string | undefined }>();

  constructor(plane: DataPlane, { clock, stopwatch, random, rules = () => plane.view.traffic }: OutboundSurroundings) {
    this.#plane = plane;
    this.#random = random;
    this.egress = new Egress(plane.view, plane.instances);
    this.#dialler = new Dialler({ plane, clock, egress: this.egress, connections: this.connections });
    const signatures = new OutgoingSignatures({ view: plane.view, identity: plane.identity, clock });
    this.traffic = new Traffic({
      clock,
      stopwatch,
      random,
      rules,
      reach: (host) => {
        const found = this.#find(host);
        if ('kind' in found) return noDestination(host, found);
        const { service, refusal } = found;
        return refusal !== undefined && service.endpoints.length === 0 ? deniedDestination(service, refusal) : service;
      },
      signature: (service) => signatures.about(service),
      caller: () => plane.identity.current?.spiffeId.toString() ?? '',
      report: plane.standing,
    });
    plane.metrics?.watch(this.traffic);
    plane.view.subscribe(() => {
      this.#authorities.clear();
      this.traffic.changed();
    });
  }

  /** "host:port" of an origin whose host is the mesh's business. */
  authorityInMesh(origin: string | URL | null | undefined): string | undefined {
    if (origin == null) return undefined;
    const text = typeof origin === 'string' ? origin : origin.href;
    const known = this.#authorities.get(text);
    return known === undefined ? this.#learn(text) : known.authority;
  }

  #learn(text: string): string | undefined {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const authority = url !== undefined && this.concerns(url.hostname) ? url.host : undefined;
    if (this.#authorities.size >= MOST_AUTHORITIES) this.#authorities.clear();
    this.#authorities.set(text, { authority });
    return authority;
  }

  /** True when a call to `host` is the mesh's business, whether it can succeed or not. */
  concerns(host: string): boolean {
    const isOutside = resolve(host, this.#plane.view, this.#namespace()).kind === 'outside';
    return !isOutside || this.#byGateway(host, HTTP_PORT) !== undefined;
  }

  /** An instance for a connection on which requests are not told apart. */
  route(host: string, port: number): Route {
    const route = this.routeRequest(host, port);
    if (route.kind !== 'ruled') return route;
    const { service } = route.ruled;
    const target = route.ruled.pick();
    if (target !== undefined) return { kind: 'mesh', target };
    return failed('NO_HEALTHY_INSTANCE', `cannot call ${service.host}: ${whyNobody(service, port)}`, service);
  }

  /** One look more than without rules, where no rule is about the service. */
  routeRequest(host: string, asked: number): RequestRoute {
    // Who names no port means that of HTTP, and so do rules about it.
    const port = asked === 0 ? HTTP_PORT : asked;
    const found = this.#find(host);
    if ('kind' in found) return found.kind === 'outside' ? this.#leave(host, port) : found;
    const { service, whole, refusal } = found;
    const { picker } = this.#plane;
    const ruled = this.traffic.about(service, port);
    if (ruled === undefined) {
      const endpoint = picker.pick(service, port);
      if (endpoint !== undefined) return { kind: 'mesh', target: { service, endpoint } };
    } else if (refusal === undefined || endpointsOn(service, port).length > 0) return { kind: 'ruled', ruled };
    if (refusal !== undefined && picker.pick(whole, port) !== undefined) {
      return { kind: 'failed', error: new EgressDenied(service.host, refusal), service };
    }
    return failed('NO_HEALTHY_INSTANCE', `cannot call ${service.host}: ${whyNobody(service, port)}`, service);
  }

  /** Whether rules are about requests to a host and port. */
  isRuled(host: string, port: number): boolean {
    const resolution = resolve(host, this.#plane.view, this.#namespace());
    return resolution.kind === 'mesh'
      ? this.traffic.about(resolution.service, port) !== undefined
      : this.#byGateway(host, port) !== undefined;
  }

  /** A service as one that rules may be about, whether any is or not. */
  ruled(host: string, port: number): RuledService | FailedRoute {
    const route = this.routeRequest(host, port);
    switch (route.kind) {
      case 'ruled':
        return route.ruled;
      case 'mesh':
        return this.traffic.of(route.target.service, port);
      case 'failed':
        return route;
      case 'outside':
        return failed('NOT_FOUND', `${host} is no service of the mesh any more`, undefined);
    }
  }

  /** The service that a name stands for, as far as this workload may reach it. */
  #find(host: string): Found | Route {
    const resolution = resolve(host, this.#plane.view, this.#namespace());
    if (resolution.kind === 'outside') return OUTSIDE;
    if (resolution.kind === 'refused') return failed(resolution.code, resolution.reason, undefined);
    const whole = resolution.service;
    const reach = this.egress.reach(whole);
    const service = reach?.service ?? whole;
    if (this.#plane.identity.current === undefined) {
      return failed('IDENTITY_NOT_READY', `cannot call ${service.host}: this workload has no identity yet`, service);
    }
    return { service, whole, refusal: reach?.refusal };
  }

  /** A host outside the mesh whose requests a rule sends to a service of the mesh: an egress gateway. */
  #byGateway(host: string, port: number): RuledService | undefined {
    const { view } = this.#plane;
    const rules = view.traffic.isEmpty ? undefined : view.traffic.forHost(outsideName(host), port);
    const first = rules?.route?.({ method: 'GET', url: '/', authority: host, headers: {} })?.destinations[0];
    if (rules === undefined || first === undefined) return undefined;
    if (resolve(first.host, view, this.#namespace()).kind !== 'mesh') return undefined;
    return this.traffic.ruled({ name: host, namespace: OUTSIDE_NAMESPACE, host, endpoints: [] }, port, rules);
  }

  #leave(host: string, port: number): RequestRoute {
    const denied = this.#denied(host, port);
    if (denied !== undefined) return denied;
    const ruled = this.#byGateway(host, port);
    return ruled === undefined ? OUTSIDE : { kind: 'ruled', ruled };
  }

  /** The way of an egress gateway, which rules that send callers to it are not about: out of the mesh, or nowhere. */
  exit(host: string, port: number): Route {
    if (resolve(host, this.#plane.view, this.#namespace()).kind !== 'outside')
      return failed('EGRESS_DENIED', 'an egress gateway calls hosts outside the mesh only', undefined);
    return this.#denied(host, port) ?? OUTSIDE;
  }

  #denied(host: string, port: number): FailedRoute | undefined {
    const refusal = this.egress.toOutside(host, port);
    if (refusal === undefined) return undefined;
    return {
      kind: 'failed',
      error: new EgressDenied(`${host}:${port === 0 ? HTTP_PORT : port}`, refusal),
      service: undefined,
    };
  }

  /** Where a connection to a host outside the mesh really goes. */
  wayOut(asked: { readonly host: string; readonly port: number }): WayOut {
    return wayOut(this.#plane.view.traffic, asked, this.#random);
  }

  /** The way to one instance, for callers that have named it by its address: no other one takes its place. */
  routeTo(target: Target): Route {
    const { service, endpoint } = target;
    if (this.#plane.identity.current === undefined) {
      return failed('IDENTITY_NOT_READY', `cannot call ${service.host}: this workload has no identity yet`, service);
    }
    const verdict = this.egress.toEndpoint(service, endpoint);
    if (verdict === undefined) return { kind: 'mesh', target };
    return { kind: 'failed', error: new EgressDenied(service.host, verdict), service };
  }

  /** Opens a connection on which nothing is sent until the peer has proved the identity the registry names. */
  dial(target: Target, protocols?: readonly string[]): TLSSocket {
    return this.#dialler.dial(target, protocols);
  }

  /** Opens a connection of the data plane's own, held to what the application's are held to. Throws where there is none. */
  connect(host: string, port: number): Socket {
    const route = this.route(host, port);
    switch (route.kind) {
      case 'failed':
        throw route.error;
      case 'mesh':
        return this.dial(route.target);
      case 'outside':
        return connect({ host, port }).setNoDelay(true);
    }
  }

  get plane(): DataPlane {
    return this.#plane;
  }

  #namespace(): string {
    return this.#plane.workload()?.namespace ?? 'default';
  }
}

/** A service, with the instances that this workload may connect to. */
interface Found {
  readonly service: MeshService;
  /** With all of its instances. */
  readonly whole: MeshService;
  /** Why some are out of reach. */
  readonly refusal: Verdict | undefined;
}

/** Applications already know what to do when a connection is refused: the usual code, and our words. */
function whyNobody({ namespace, endpoints, outOfService = 0 }: MeshService, port: number): string {
  if (namespace === OUTSIDE_NAMESPACE)
    return 'a rule has its requests leave by an egress gateway, in plain HTTP and no other way';
  const known = endpoints.map((each) => each.port).join(', ');
  if (known !== '') return `no instance of it serves port ${port} (known: ${known})`;
  if (outOfService === 0) return 'no instance of it is registered';
  return `none of its ${outOfService} instances is in service; see: rampart registry show`;
}

function failed(code: RampartError['code'], message: string, service: MeshService | undefined): FailedRoute {
  return {
    kind: 'failed',
    error: Object.assign(new RampartError(code, message), { errno: -111, syscall: 'connect' }),
    service,
  };
}
