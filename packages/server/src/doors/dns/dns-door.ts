import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { type Clock, RampartError } from '@rampart/core';
import { firstMessage, framed } from '@rampart/wire/dns';
import { limitConnections } from '../limits/connection-limit.ts';
import { plainAddress } from '../limits/network-of.ts';
import { type ListenAddress, listen } from '../listening.ts';
import type { Responder } from './responder.ts';

export interface DnsDoorOptions extends ListenAddress {
  readonly clock: Clock;
}

/** UDP and TCP on one port. Nobody is answered before `serve`. */
export interface DnsDoor {
  readonly port: number;
  serve(responder: Responder): void;
  close(): Promise<void>;
}

/** No query comes near it; what claims to be longer is not waited for. */
const LARGEST_QUERY_BYTES = 4096;
const MOST_CONNECTIONS = 1024;
const MOST_OF_ONE_NETWORK = 64;
/** From one whole message to the next, however its bytes trickle in. */
const LONGEST_SILENCE_MS = 10_000;
const PORT_ATTEMPTS = 10;

/** @throws RampartError PORT_IN_USE; INVALID_ARGUMENT when this machine has no such address. */
export async function openDnsDoor(options: DnsDoorOptions): Promise<DnsDoor> {
  const { tcp, udp, port } = await bindBoth(options);
  const sockets = new Set<Socket>();
  let responder: Responder | undefined;
  udp.on('error', () => undefined);
  udp.on('message', (packet, remote) => {
    if (responder !== undefined) void respondOverUdp({ udp, responder, packet, remote });
  });
  tcp.maxConnections = MOST_CONNECTIONS;
  limitConnections(tcp, MOST_OF_ONE_NETWORK);
  tcp.on('connection', (socket: Socket) => {
    if (responder === undefined) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void answerConnection(socket, responder, options.clock);
  });
  return {
    port,
    serve: (given) => {
      responder = given;
    },
    close: async () => {
      const closed = Promise.all([once(udp, 'close'), once(tcp, 'close')]);
      udp.close();
      tcp.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface BothSockets {
  readonly tcp: Server;
  readonly udp: UdpSocket;
  readonly port: number;
}

/** A free port must be free for both: another one is tried where somebody has its UDP side. */
async function bindBoth({ host, port }: DnsDoorOptions): Promise<BothSockets> {
  for (let attempt = 1; ; attempt += 1) {
    const tcp = createServer();
    const taken = await listen(tcp, { host, port });
    const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    try {
      udp.bind(taken, host);
      await once(udp, 'listening');
      return { tcp, udp, port: taken };
    } catch (cause) {
      tcp.close();
      if (port === 0 && attempt < PORT_ATTEMPTS) continue;
      const message = `UDP port ${taken} of ${host} is in use; stop what listens there or choose another port`;
      throw new RampartError('PORT_IN_USE', message, { cause });
    }
  }
}

interface Datagram {
  readonly udp: UdpSocket;
  readonly responder: Responder;
  readonly packet: Uint8Array;
  readonly remote: RemoteInfo;
}

async function respondOverUdp({ udp, responder, packet, remote }: Datagram): Promise<void> {
  // Port 0 cannot be answered, and sending there is an error.
  if (remote.port === 0) return;
  const response = await responder.respond(packet, { address: plainAddress(remote.address), transport: 'udp' });
  // What cannot be sent is lost, as datagrams may be; the asker asks again.
  if (response !== undefined) trySend(() => udp.send(response, remote.port, remote.address, () => undefined));
}

/** The door may have been closed while somebody else was asked. */
function trySend(send: () => void): boolean {
  try {
    send();
    return true;
  } catch {
    return false;
  }
}

/** One message after the other, so that an asker that does not read holds nothing but its own connection (RFC 7766). */
async function answerConnection(socket: Socket, responder: Responder, clock: Clock): Promise<void> {
  const address = plainAddress(socket.remoteAddress ?? '');
  const cut = (): void => void socket.destroy();
  let silence = clock.after(LONGEST_SILENCE_MS, cut);
  let pending: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of socket) {
      pending = Buffer.concat([pending, chunk as Uint8Array]);
      for (
        let message = firstMessage(pending, LARGEST_QUERY_BYTES);
        message !== undefined;
        message = firstMessage(pending, LARGEST_QUERY_BYTES)
      ) {
        if (message === 'too long') return;
        pending = pending.subarray(2 + message.length);
        silence.cancel();
        silence = clock.after(LONGEST_SILENCE_MS, cut);
        const response = await responder.respond(message, { address, transport: 'tcp' });
        if (response === undefined) return;
        if (!socket.write(framed(response))) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      }
    }
    socket.end();
  } catch {
    // The other end went away in the middle.
    socket.destroy();
  } finally {
    silence.cancel();
    if (!socket.writableEnded) socket.destroy();
  }
}
