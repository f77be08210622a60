// One half of two processes that carry bytes over one connection of mutual TLS, and read none of them:
// `node relay-process.ts far PKI-DIRECTORY APP-PORT`, `node relay-process.ts near PKI-DIRECTORY FAR-PORT`.
// What any pair of proxies in JavaScript takes at least; it has no limits, no flow control and no records.
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';

/** Number of a stream and of bytes behind it; no bytes are the end of the stream. */
const HEAD_BYTES = 8;
const NOTHING: Buffer = Buffer.alloc(0);

const [half = '', directory = '', port = ''] = process.argv.slice(2);

/** Frames of many streams on one connection; those of one turn of the event loop leave in one write. */
class Relay {
  readonly #carrier: TLSSocket;
  readonly #opened: (stream: number) => Socket | undefined;
  readonly #sockets = new Map<number, Socket>();
  #rest: Buffer = NOTHING;
  #waiting: Buffer[] = [];

  constructor(carrier: TLSSocket, opened: (stream: number) => Socket | undefined) {
    this.#carrier = carrier;
    this.#opened = opened;
    carrier.on('data', (chunk: Buffer) => this.#arrived(chunk));
    carrier.on('error', () => undefined);
  }

  join(stream: number, socket: Socket): Socket {
    this.#sockets.set(stream, socket);
    socket.on('data', (chunk: Buffer) => this.#send(stream, chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(stream) && this.#send(stream, NOTHING));
    return socket;
  }

  #send(stream: number, chunk: Buffer): void {
    const frame = Buffer.allocUnsafe(HEAD_BYTES + chunk.length);
    frame.writeUInt32BE(stream, 0);
    frame.writeUInt32BE(chunk.length, 4);
    chunk.copy(frame, HEAD_BYTES);
    if (this.#waiting.push(frame) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#carrier.write(Buffer.concat(this.#waiting));
    this.#waiting = [];
  }

  #arrived(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + bytes.readUInt32BE(at + 4);
      if (end > bytes.length) break;
      this.#deliver(bytes.readUInt32BE(at), bytes.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #deliver(stream: number, bytes: Buffer): void {
    const known = this.#sockets.get(stream);
    if (bytes.length === 0) {
      this.#sockets.delete(stream);
      known?.end();
      return;
    }
    const opened = known ?? this.#opened(stream);
    if (opened === undefined) return;
    (known ?? this.join(stream, opened)).write(bytes);
  }
}

function near(): Server {
  const carrier = connectTls({ ...identity('client'), host: '127.0.0.1', servername: 'localhost', port: Number(port) });
  carrier.setNoDelay();
  const relay = new Relay(carrier, () => undefined);
  let last = 0;
  return createServer({ noDelay: true }, (socket) => relay.join((last += 1), socket));
}

function far(): Server {
  const options = { ...identity('server'), requestCert: true, minVersion: 'TLSv1.3', noDelay: true } as const;
  const toApp = (): Socket => connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  return createTlsServer(options, (carrier) => void new Relay(carrier, toApp));
}

function identity(name: string): { readonly key: Buffer; readonly cert: Buffer; readonly ca: Buffer } {
  const read = (file: string): Buffer => readFileSync(join(directory, file));
  return { key: read(`${name}.key`), cert: read(`${name}.crt`), ca: read('ca.crt') };
}

const server = half === 'near' ? near() : far();
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.once('disconnect', () => process.exit(0));
