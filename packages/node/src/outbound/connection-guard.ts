import dns from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP, Socket } from 'node:net';
import type { LookupFunction } from 'node:net';

import type { Verdict } from '@rampart/core';
import { EgressDenied } from '@rampart/mesh';
import type { EgressRefusal, Outbound, OutboundRecorder, WayOut } from '@rampart/mesh';

import { wrapMethod } from '../wrap-method.ts';
import { isOptions, optionsOf, placeOf } from './connect-arguments.ts';
import type { ConnectOptions, Place } from './connect-arguments.ts';
import type { OutsideConnections } from './outside-connections.ts';

export interface GuardOptions {
  readonly recorder: OutboundRecorder;
  /** Those that go out of the mesh. */
  readonly outside: OutsideConnections;
  /** The control plane: without it nobody would hear that a policy is gone. */
  readonly exempt: URL | undefined;
}

/**
 * Stands in front of every TCP connection that this process opens, whatever library opens it, and keeps it from going
 * where NetworkPolicies, or a mesh that knows its hosts, do not let it. NetworkPolicies judge names by the addresses that they resolve to.
 */
export function guardConnections(outbound: Outbound, options: GuardOptions): ConnectionGuard {
  const guard = new ConnectionGuard(outbound, options);
  wrapMethod(Socket.prototype, 'connect', (connect, socket, args) => {
    if (!(socket instanceof Socket)) return connect(socket, args);
    return connect(socket, guard.guarded(socket, args));
  });
  outbound.plane.view.subscribe(({ policy, traffic, peers, revocations, services }) => {
    if (policy || traffic || peers || revocations || services.length > 0) guard.judgeAgain();
  });
  return guard;
}

/** What keeps connections of this process from where they may not go. */
export class ConnectionGuard {
  readonly #outbound: Outbound;
  readonly #options: GuardOptions;

  constructor(outbound: Outbound, options: GuardOptions) {
    this.#outbound = outbound;
    this.#options = options;
  }

  /** The arguments of `connect`, so that a name leads only to addresses that may be connected to. */
  guarded(socket: Socket, args: readonly unknown[]): readonly unknown[] {
    const { connections, egress } = this.#outbound;
    const given = connections.isJudged ? undefined : optionsOf(args);
    const place = given === undefined ? undefined : placeOf(given);
    if (given === undefined || place === undefined || this.#isControlPlane(place)) return args;
    const way = this.#outbound.wayOut(place);
    this.#options.outside.opened(socket, place, way);
    connections.follow(socket, () => this.verdictOn(place, socket.remoteAddress, way.port));
    const isBound = egress.isLimited || egress.isRegistryOnly || way.tls !== undefined;
    if (!isBound && way.host === place.host && way.port === place.port) return args;
    const to = { ...given, host: way.host, port: way.port };
    if (way.tls === undefined) return withOptions(args, this.limited(to, place, way));
    return withOptions(args, { ...to, ...this.#leadNowhere(place, unspoken(place)) });
  }

  judgeAgain(): void {
    this.#outbound.connections.judgeAgain((socket, verdict) => {
      const denied = new EgressDenied(`${socket.remoteAddress ?? 'its peer'}:${socket.remotePort ?? 0}`, verdict);
      // Nobody who listens for errors would learn the reason; with nobody there, an error would end the process.
      socket.destroy(socket.listenerCount('error') > 0 ? denied : undefined);
    });
  }

  /** A DENY verdict where a connection for a host may not be: by its name, or by the address that was found for it. */
  verdictOn(place: Place, address: string | undefined, port: number): Verdict | undefined {
    return this.#outbound.egress.toOutside(place.host, place.port) ?? this.#judge(address, port);
  }

  /** The options, so that they lead where they may and nowhere else. `way` is where a call for `place` really goes. */
  limited(given: ConnectOptions & { readonly host: string }, place: Place, way: WayOut): LimitedOptions {
    const verdict =
      this.#outbound.egress.toOutside(place.host, place.port) ??
      (isIP(way.host) === 0 ? undefined : this.#judge(way.host, way.port));
    if (verdict !== undefined) return { ...given, ...this.#leadNowhere(place, verdict) };
    const own = given['lookup'];
    // Who knows hosts by their names does not have a program say what a name stands for.
    const isOwn = typeof own === 'function' && !this.#outbound.egress.isRegistryOnly;
    const lookup = isOwn ? (own as LookupFunction) : lookupByName;
    return { ...given, lookup: this.#limitedLookup(lookup, { host: place.host, port: way.port }) };
  }

  /** Through Node's own way for names that do not resolve: whoever uses the socket already listens for that. */
  #leadNowhere(place: Place, verdict: EgressRefusal): Pick<LimitedOptions, 'host' | 'lookup'> {
    const denied = this.#deny(place, verdict);
    return { host: 'denied.invalid', lookup: (_host, _options, callback) => callback(denied, '', 0) };
  }

  #limitedLookup(lookup: LookupFunction, place: Place): LookupFunction {
    return (host, options, callback) => {
      lookup(host, options, (error, found, family) => {
        if (error !== null) {
          callback(error, found, family);
          return;
        }
        const { allowed, verdict } = this.#sift(found, place.port);
        if (verdict === undefined) callback(null, found, family);
        else if (allowed.length === 0) callback(this.#deny(place, verdict), '', 0);
        else callback(null, [...allowed]);
      });
    };
  }

  /** `verdict` is why some, or all, of the addresses are left out. */
  #sift(
    found: string | LookupAddress[],
    port: number,
  ): { readonly allowed: readonly LookupAddress[]; readonly verdict: Verdict | undefined } {
    const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
    let verdict: Verdict | undefined;
    const allowed = addresses.filter(({ address }) => {
      const refusal = this.#judge(address, port);
      verdict ??= refusal;
      return refusal === undefined;
    });
    return { allowed, verdict };
  }

  #deny({ host, port }: Place, verdict: EgressRefusal): EgressDenied {
    const { recorder } = this.#options;
    const denied = new EgressDenied(`${host}:${port}`, verdict);
    recorder.end(recorder.begin({ method: '', path: '', authority: `${host}:${port}` }), denied.ending);
    return denied;
  }

  /** A connection that has no address yet was judged on its way to one. */
  #judge(address: string | undefined, port: number): Verdict | undefined {
    return address === undefined ? undefined : this.#outbound.egress.toAddress(address, port);
  }

  #isControlPlane({ host, port }: Place): boolean {
    const { exempt } = this.#options;
    if (exempt === undefined) return false;
    const bare = exempt.hostname.startsWith('[') ? exempt.hostname.slice(1, -1) : exempt.hostname;
    return host === bare && port === Number(exempt.port === '' ? 443 : exempt.port);
  }
}

/** Options of a connection that is looked after. */
export interface LimitedOptions extends ConnectOptions {
  readonly host: string;
  readonly lookup: LookupFunction;
}

/** What leaves in plain would leave unprotected, where somebody has asked for TLS; and TLS within TLS is nothing that servers read. */
function unspoken({ host, port }: Place): EgressRefusal {
  const reason = `a DestinationRule has TLS spoken to port ${port} of ${host} in place of its callers: call it in plain, by http, fetch or net.connect`;
  return { ...NOT_A_POLICY, reason };
}

const NOT_A_POLICY: EgressRefusal = {
  decision: 'DENY',
  policy: '',
  rule: -1,
  action: '',
  reason: '',
  audit: [],
  dryRun: [],
  dryRunDecision: '',
  mode: '',
};

/** Asked for at each call, because programs put functions of their own in the place of Node's. */
function lookupByName(host: string, options: LookupOptions, callback: Parameters<LookupFunction>[2]): void {
  dns.lookup(host, options, callback);
}

function withOptions(args: readonly unknown[], options: ConnectOptions): readonly unknown[] {
  const [first, ...rest] = args;
  if (Array.isArray(first)) {
    // The list carries a mark of Node's own: it stays the same list.
    first[0] = options;
    return args;
  }
  return isOptions(first) ? [options, ...rest] : [options, ...rest.filter((each) => typeof each === 'function')];
}
