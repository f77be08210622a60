import http from 'node:http';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import type { TLSSocket } from 'node:tls';

import { readTlsOptions } from '@rampart/mesh';
import type { OriginatedTls, Outbound, WayOut } from '@rampart/mesh';

import { wrapMethod } from '../wrap-method.ts';
import { optionsOf, placeOf } from './connect-arguments.ts';
import type { ConnectOptions, Place } from './connect-arguments.ts';
import type { ConnectionGuard } from './connection-guard.ts';
import { failing } from './failing-socket.ts';
import type { OutsideConnections } from './outside-connections.ts';

// Taken once, at load: these connections are the mesh's own, and do not go through the hooks.
const { connect } = tls;

/** What a program says of how its connection is made that is no business of TLS. */
const KEPT = [
  'autoSelectFamily',
  'autoSelectFamilyAttemptTimeout',
  'family',
  'highWaterMark',
  'hints',
  'keepAlive',
  'keepAliveInitialDelay',
  'localAddress',
  'localPort',
  'noDelay',
] as const;

export interface TlsOriginationOptions {
  readonly outbound: Outbound;
  readonly guard: ConnectionGuard;
  readonly outside: OutsideConnections;
}

/** Speaks TLS in the place of this process's program, where a DestinationRule asks for it of a host outside the mesh. */
export class TlsOrigination {
  readonly #outbound: Outbound;
  readonly #guard: ConnectionGuard;
  readonly #outside: OutsideConnections;

  constructor({ outbound, guard, outside }: TlsOriginationOptions) {
    this.#outbound = outbound;
    this.#guard = guard;
    this.#outside = outside;
    // Agents hold Node's own function, and not the one that stands in its place.
    wrapMethod(http.Agent.prototype, 'createConnection', (createConnection, agent, args) => {
      return this.connect(args) ?? createConnection(agent, args);
    });
  }

  /** A connection that its program takes for one in plaintext; undefined where nobody asks for TLS. */
  connect(args: readonly unknown[]): Socket | undefined {
    const given = optionsOf(args);
    const place = given === undefined ? undefined : placeOf(given);
    if (given === undefined || place === undefined) return undefined;
    const way = this.#outbound.wayOut(place);
    if (way.tls === undefined) return undefined;
    try {
      return this.#open({ given, place, way, settings: way.tls });
    } catch (error) {
      return failing(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #open({ given, place, way, settings }: Opening): TLSSocket {
    const { connections } = this.#outbound;
    const { lookup, host } = this.#guard.limited({ host: way.host, port: way.port }, place, way);
    const kept = Object.fromEntries(KEPT.flatMap((name) => (name in given ? [[name, given[name]]] : [])));
    const secure = readTlsOptions(settings);
    let socket: TLSSocket | undefined;
    return connections.judged(
      () => {
        socket = connect({ ...kept, ...secure, host, port: way.port, lookup, rejectUnauthorized: true });
        this.#outside.opened(socket, place, way);
        return socket;
      },
      () => this.#guard.verdictOn(place, socket?.remoteAddress, way.port),
    );
  }
}

interface Opening {
  readonly given: ConnectOptions;
  readonly place: Place;
  readonly way: WayOut;
  readonly settings: OriginatedTls;
}
