import net from 'node:net';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import type { RevocableCertificate } from '@rampart/spiffe';

import type { DataPlane } from '../data-plane.ts';
import { identityRefusal } from '../inbound/connection.ts';
import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import { dial } from './dial.ts';
import { EgressDenied } from './egress-denied.ts';
import { Egress } from './egress.ts';
import { OpenConnections } from './open-connections.ts';
import { resolve } from './resolve.ts';

/** Where one outgoing call goes: an instance of a service of the mesh. */
export interface Target {
  readonly service: MeshService;
  readonly endpoint: MeshEndpoint;
}

/** What the mesh makes of a host and port that the application wants to reach. */
export type Route =
  | { readonly kind: 'mesh'; readonly target: Target }
  | { readonly kind: 'outside' }
  | { readonly kind: 'failed'; readonly error: RampartError; readonly service: MeshService | undefined };

// Taken once, at load: names are resolved here, and not by the hook again.
const { connect } = net;

const MOST_AUTHORITIES = 1000;

const OUTSIDE: Route = { kind: 'outside' };

/** resolve → route → pick → dial, for whatever client. */
export class Outbound {
  /** Where NetworkPolicies let this workload connect to. */
  readonly egress: Egress;
  readonly connections: OpenConnections = new OpenConnections();
  readonly #plane: DataPlane;
  readonly #clock: Clock;
  /** Authority of each origin lately called, undefined for those outside the mesh; forgotten whenever services change. */
  readonly #authorities = new Map<string, { readonly authority: string | undefined }>();

  constructor(plane: DataPlane, clock: Clock) {
    this.#plane = plane;
    this.#clock = clock;
    this.egress = new Egress(plane.view, plane.instances);
    plane.view.subscribe(() => this.#authorities.clear());
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
    return resolve(host, this.#plane.view, this.#namespace()).kind !== 'outside';
  }

  route(host: string, port: number): Route {
    const resolution = resolve(host, this.#plane.view, this.#namespace());
    if (resolution.kind === 'outside') return OUTSIDE;
    if (resolution.kind === 'refused') return failed(resolution.code, resolution.reason, undefined);
    const reach = this.egress.reach(resolution.service);
    const service = reach?.service ?? resolution.service;
    if (this.#plane.identity.current === undefined) {
      return failed('IDENTITY_NOT_READY', `cannot call ${service.host}: this workload has no identity yet`, service);
    }
    const endpoint = this.#plane.picker.pick(service, port);
    if (endpoint !== undefined) return { kind: 'mesh', target: { service, endpoint } };
    if (reach?.refusal !== undefined && this.#plane.picker.pick(resolution.service, port) !== undefined) {
      return { kind: 'failed', error: new EgressDenied(service.host, reach.refusal), service };
    }
    return failed('NO_HEALTHY_INSTANCE', `cannot call ${service.host}: ${whyNobody(service, port)}`, service);
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
    const svid = this.#plane.identity.current;
    if (svid === undefined) throw new RampartError('IDENTITY_NOT_READY', 'this workload has no identity yet');
    const { view } = this.#plane;
    const revocationOf = (certificate: RevocableCertificate): string | undefined => view.revocationOf(certificate);
    let peer: RevocableCertificate | undefined;
    return this.connections.judged(
      () =>
        dial({
          ...target,
          ...(protocols === undefined ? {} : { protocols }),
          svid,
          revocationOf,
          now: () => this.#clock.now(),
          identified: (who) => {
            peer = who;
          },
        }),
      () => {
        const revocation = peer === undefined ? undefined : revocationOf(peer);
        if (revocation !== undefined) return identityRefusal(revocation);
        return this.egress.toEndpoint(target.service, target.endpoint);
      },
    );
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

/** Applications already know what to do when a connection is refused: the usual code, and our words. */
function whyNobody({ endpoints, outOfService = 0 }: MeshService, port: number): string {
  const known = endpoints.map((each) => each.port).join(', ');
  if (known !== '') return `no instance of it serves port ${port} (known: ${known})`;
  if (outOfService === 0) return 'no instance of it is registered';
  return `none of its ${outOfService} instances is in service; see: rampart registry show`;
}

function failed(code: RampartError['code'], message: string, service: MeshService | undefined): Route {
  return {
    kind: 'failed',
    error: Object.assign(new RampartError(code, message), { errno: -111, syscall: 'connect' }),
    service,
  };
}
