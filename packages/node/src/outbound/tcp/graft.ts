import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { EgressDenied, isUnreached } from '@rampart/mesh';

export interface GraftOptions {
  /** Opens the connection below; what it throws is what the application's connection fails with. */
  readonly open: () => TLSSocket;
  /** Opens another one, after nobody answered there; undefined where there is none. */
  readonly another: () => TLSSocket | undefined;
  /** The peer has proved who it is. */
  readonly proved: () => void;
}

type Done = (error?: Error | null) => void;

/** What of a socket a graft takes the place of. */
const OWN = [
  '_read',
  '_write',
  '_writev',
  '_final',
  '_destroy',
  'setNoDelay',
  'setKeepAlive',
  'ref',
  'unref',
  'address',
  'pending',
  'bytesRead',
  'bytesWritten',
  'localAddress',
  'localPort',
  'localFamily',
  'remoteAddress',
  'remotePort',
  'remoteFamily',
] as const;

const grafts = new WeakMap<Socket, Graft>();

/** Bytes that went over a socket in its present connection; undefined when it has no graft. */
export function graftOf(socket: Socket): Graft | undefined {
  return grafts.get(socket);
}

/** Makes a socket what it was, for one that is connected again. */
export function ungraft(socket: Socket): void {
  if (!grafts.delete(socket)) return;
  for (const name of OWN) Reflect.deleteProperty(socket, name);
}

/**
 * Makes a socket that the application connects the near end of a mutual-TLS connection. The application keeps the object that
 * it has, with the order of events of Node: 'connect' and 'ready' once the peer has proved who it is, then what it says. What
 * is written before waits for that.
 */
export class Graft {
  bytesRead = 0;
  bytesWritten = 0;
  readonly #socket: Socket;
  readonly #options: GraftOptions;
  #tls: TLSSocket | undefined;
  #isProved = false;
  readonly #waiting: (() => void)[] = [];

  constructor(socket: Socket, options: GraftOptions) {
    this.#socket = socket;
    this.#options = options;
    grafts.set(socket, this);
    // As Node's own `connect` does with a socket that was closed.
    if (socket.destroyed) Reflect.apply(Reflect.get(socket, '_undestroy') as () => void, socket, []);
    Reflect.set(socket, 'connecting', true);
    this.#takeOver();
    try {
      this.#follow(options.open());
    } catch (error) {
      process.nextTick(() => socket.destroy(error instanceof Error ? error : new Error(String(error))));
    }
  }

  #takeOver(): void {
    const socket = this.#socket;
    const methods = {
      _read: () => this.#tls?.resume(),
      _write: (chunk: Uint8Array | string, encoding: BufferEncoding, done: Done) =>
        this.#whenProved((tls) => this.#write(tls, { chunk, encoding, done })),
      // One chunk after the other: TLS gathers what it is given in one turn.
      _writev: null,
      _final: (done: Done) => this.#whenProved((tls) => tls.end(() => done())),
      _destroy: (error: Error | null, done: Done) => {
        this.#tls?.destroy();
        Reflect.apply(Socket.prototype._destroy, socket, [error, done]);
      },
      setNoDelay: (on?: boolean) => this.#on((tls) => tls.setNoDelay(on)),
      setKeepAlive: (on?: boolean, delay?: number) => this.#on((tls) => tls.setKeepAlive(on, delay)),
      ref: () => this.#on((tls) => tls.ref()),
      unref: () => this.#on((tls) => tls.unref()),
      address: () => this.#tls?.address() ?? {},
    };
    Object.assign(socket, methods);
    const getters: Record<string, () => unknown> = {
      pending: () => socket.connecting,
      bytesRead: () => this.bytesRead,
      bytesWritten: () => this.bytesWritten,
    };
    for (const name of OWN.slice(-6))
      getters[name] = () => (socket.connecting ? undefined : this.#tls?.[name as 'localAddress']);
    for (const [name, get] of Object.entries(getters)) Object.defineProperty(socket, name, { configurable: true, get });
  }

  #follow(tls: TLSSocket): void {
    const socket = this.#socket;
    this.#tls = tls;
    // Before there is a connection, Node puts this off until there is one.
    if (socket.listeners('connect').includes(Socket.prototype.unref)) tls.unref();
    tls.once('secureConnect', () => this.#connected(tls));
    tls.on('error', (error: Error) => {
      const other = isUnreached(error) && !socket.destroyed ? this.#options.another() : undefined;
      if (other === undefined) this.#fail(error);
      else this.#follow(other);
    });
    tls.on('end', () => socket.push(null));
    tls.on('close', () => {
      if (this.#tls === tls && !tls.readableEnded && !socket.destroyed) socket.destroy();
    });
  }

  #connected(tls: TLSSocket): void {
    const socket = this.#socket;
    if (socket.destroyed) {
      tls.destroy();
      return;
    }
    Reflect.set(socket, 'connecting', false);
    this.#isProved = true;
    this.#options.proved();
    for (const each of this.#waiting.splice(0)) each();
    socket.emit('connect');
    socket.emit('ready');
    tls.on('data', (chunk: Buffer) => {
      this.bytesRead += chunk.length;
      active(socket);
      if (!socket.push(chunk)) tls.pause();
    });
    if (!socket.isPaused()) socket.read(0);
  }

  #write(
    tls: TLSSocket,
    { chunk, encoding, done }: { chunk: Uint8Array | string; encoding: BufferEncoding; done: Done },
  ): void {
    this.bytesWritten += typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.length;
    active(this.#socket);
    if (typeof chunk === 'string') tls.write(chunk, encoding, done);
    else tls.write(chunk, done);
  }

  #whenProved(act: (tls: TLSSocket) => void): void {
    const tls = this.#tls;
    if (tls === undefined || !this.#isProved) this.#waiting.push(() => this.#whenProved(act));
    else act(tls);
  }

  #on(act: (tls: TLSSocket) => unknown): Socket {
    if (this.#tls !== undefined) act(this.#tls);
    return this.#socket;
  }

  #fail(error: Error): void {
    const socket = this.#socket;
    // A policy that ends an open connection must not end a program that listens for no errors.
    const isUnheard = error instanceof EgressDenied && this.#isProved && socket.listenerCount('error') === 0;
    socket.destroy(isUnheard ? undefined : error);
  }
}

/** Puts the socket's timeout off, as its own reads and writes would. */
function active(socket: Socket): void {
  Reflect.apply(Reflect.get(socket, '_unrefTimer') as () => void, socket, []);
}
