import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';

import { RampartError } from '@rampart/core';
import type { Verdict } from '@rampart/core';
import { EgressDenied } from '@rampart/mesh';
import type { WayOut } from '@rampart/mesh';

import type { ByteStream } from '../stream/byte-stream.ts';
import { connectTcp } from './connect-tcp.ts';
import { secured } from './secured.ts';

/** A connection to somewhere outside the mesh. */
export interface OutsideConnection {
  readonly stream: ByteStream;
  /** "ip:port" that answered. */
  readonly address: string;
}

export interface OutsideHost {
  readonly host: string;
  readonly port: number;
}

export interface OutsideOptions {
  /** A DENY verdict where NetworkPolicies let this workload connect to an address no more. */
  toAddress(address: string, port: number): Verdict | undefined;
  /** The same for a host that is outside the mesh, as it was named. */
  toOutside(host: string, port: number): Verdict | undefined;
  /** Where a connection to such a host really goes. */
  wayOut(destination: OutsideHost): WayOut;
  /** Has an open connection judged again when policies change. */
  follow(socket: Socket, judge: () => Verdict | undefined): void;
  readonly lookup?: LookupFunction;
  /** Whether a port of this host is the sidecar's own way in: what goes out there comes round for ever. */
  isOwnDoor(port: number): boolean;
}

/** A service that is not registered looks the same as a host that does not exist. */
function unknownName(host: string, cause: Error): RampartError {
  return new RampartError(
    'NOT_FOUND',
    `no service ${host} is registered in the mesh, and DNS knows no host of that name`,
    { cause },
  );
}

const byName: LookupFunction = (host, options, callback) => lookup(host, options, callback);

/**
 * The way out of the mesh: TCP, to the addresses that egress policy leaves, and TLS over it where a rule asks for that. Names are judged by
 * what they resolve to.
 */
export class Outside {
  readonly #options: OutsideOptions;

  constructor(options: OutsideOptions) {
    this.#options = options;
  }

  async connect(destination: OutsideHost, signal: AbortSignal): Promise<OutsideConnection> {
    const way = this.#options.wayOut(destination);
    const { host, port } = way;
    const verdict = isIP(host) === 0 ? undefined : this.#options.toAddress(host, port);
    if (verdict !== undefined) throw new EgressDenied(`${host}:${port}`, verdict);
    const stream = await connectTcp({ host, port, lookup: this.#lookup(port) }, signal);
    const { socket } = stream;
    if (socket.remoteAddress === socket.localAddress && this.#options.isOwnDoor(port)) {
      stream.reset();
      throw new RampartError('INVALID_ARGUMENT', `${host}:${port} is a proxy port of this sidecar itself`);
    }
    const address = socket.remoteAddress ?? '';
    this.#options.follow(
      socket,
      () => this.#options.toOutside(destination.host, destination.port) ?? this.#options.toAddress(address, port),
    );
    return {
      stream: way.tls === undefined ? stream : await secured(socket, way.tls, signal),
      address: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    };
  }

  #lookup(port: number): LookupFunction {
    const { lookup: resolve = byName, toAddress } = this.#options;
    return (host, options, callback) => {
      resolve(host, { ...options, all: true }, (error, found) => {
        if (error !== null || typeof found === 'string') {
          callback(error?.code === 'ENOTFOUND' ? unknownName(host, error) : error, found);
          return;
        }
        let denied: Verdict | undefined;
        const allowed = found.filter(({ address }) => {
          const verdict = toAddress(address, port);
          denied ??= verdict;
          return verdict === undefined;
        });
        const [first] = allowed;
        if (first === undefined && denied !== undefined) callback(new EgressDenied(`${host}:${port}`, denied), '');
        else if (options.all === true) callback(null, allowed);
        else callback(null, first?.address ?? '', first?.family);
      });
    };
  }
}
