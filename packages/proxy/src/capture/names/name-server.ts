import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import type { Clock } from '@rampart/core';
import { firstMessage, framed } from '@rampart/wire/dns';

import { Forwarder } from './forwarder.ts';
import { MeshNames } from './mesh-names.ts';
import type { MeshNamesOptions } from './mesh-names.ts';
import { Responder } from './responder.ts';
import type { Upstream } from './upstream.ts';

export interface NameServerOptions extends Omit<MeshNamesOptions, 'ttlSeconds'> {
  /** 127.0.0.1 unless given: applications of this host ask, and nobody else. */
  readonly host?: string;
  /** UDP and TCP; 0 takes a free one. */
  readonly port: number;
  /** Who knows all other names, this name server not among them; without any those names are refused. */
  readonly forwardTo: readonly Upstream[];
  readonly clock: Clock;
  readonly ttlSeconds?: number;
}

/** The sidecar's DNS, UDP and TCP on one port. */
export interface NameServer {
  readonly port: number;
  close(): Promise<void>;
}

/** No query comes near it; what claims to be longer is not waited for. */
const LARGEST_QUERY_BYTES = 4096;
const MOST_CONNECTIONS = 256;
/** From one whole message to the next, however its bytes trickle in. */
const LONGEST_SILENCE_MS = 10_000;
const PORT_ATTEMPTS = 10;
/** Addresses of services do not change; that there is such a service does. */
const TTL_SECONDS = 5;

/** Rejects with the system's error where the port is somebody else's. */
export async function openNameServer(options: NameServerOptions): Promise<NameServer> {
  const { host = '127.0.0.1', clock, forwardTo } = options;
  const names = new MeshNames({ ...options, ttlSeconds: options.ttlSeconds ?? TTL_SECONDS });
  const others = forwardTo.filter((upstream) => upstream.host !== host || upstream.port !== options.port);
  const forwarder = others.length === 0 ? undefined : new Forwarder({ upstreams: others, clock });
  const responder = new Responder({ names, forwarder });
  const { tcp, udp, port } = await bindBoth(host, options.port);
  const sockets = new Set<Socket>();
  udp.on('error', () => {});
  udp.on('message', (packet, remote) => {
    void responder.respond(packet, 'udp').then((response) => {
      // What cannot be sent is lost, as datagrams may be; the asker asks again.
      if (response !== undefined && remote.port !== 0) trySend(() => udp.send(response, remote.port, remote.address));
    });
  });
  tcp.maxConnections = MOST_CONNECTIONS;
  tcp.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void answerConnection(socket, responder, clock);
  });
  return {
    port,
    close: async () => {
      const closed = Promise.all([once(udp, 'close'), once(tcp, 'close')]);
      udp.close();
      tcp.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A free port must be free for both: another one is tried where somebody has its UDP side. */
async function bindBoth(
  host: string,
  port: number,
): Promise<{ readonly tcp: Server; readonly udp: UdpSocket; readonly port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const tcp = createServer();
    tcp.listen({ host, port, exclusive: true });
    await once(tcp, 'listening');
    const taken = (tcp.address() as AddressInfo).port;
    const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    try {
      udp.bind({ port: taken, address: host, exclusive: true });
      await once(udp, 'listening');
      return { tcp, udp, port: taken };
    } catch (cause) {
      tcp.close();
      if (port !== 0 || attempt >= PORT_ATTEMPTS) throw cause;
    }
  }
}

/** The server may have been closed while somebody else was asked. */
function trySend(send: () => void): void {
  try {
    send();
  } catch {
    // Nobody waits for it any more.
  }
}

/** One message after the other, so that an asker that does not read holds nothing but its own connection (RFC 7766). */
async function answerConnection(socket: Socket, responder: Responder, clock: Clock): Promise<void> {
  const cut = (): void => void socket.destroy();
  let silence = clock.after(LONGEST_SILENCE_MS, cut);
  let pending: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of socket) {
      pending = Buffer.concat([pending, chunk as Uint8Array]);
      for (;;) {
        const message = firstMessage(pending, LARGEST_QUERY_BYTES);
        if (message === 'too long') return;
        if (message === undefined) break;
        pending = pending.subarray(2 + message.length);
        silence.cancel();
        silence = clock.after(LONGEST_SILENCE_MS, cut);
        const response = await responder.respond(message, 'tcp');
        if (response === undefined) return;
        if (!socket.write(framed(response))) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      }
    }
    socket.end();
  } catch {
    // The other end went away in the middle.
  } finally {
    silence.cancel();
    if (!socket.writableEnded) socket.destroy();
  }
}
