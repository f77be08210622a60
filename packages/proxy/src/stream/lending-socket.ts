import { connect, Socket } from 'node:net';

/** What a socket reads at most at a time. */
const READ_BYTES = 65_536;
/** Of all sockets of this thread that lend: what one of them reads is dealt with before another one reads. */
let lent: Buffer | undefined;

/** A place of TCP. */
export interface TcpPlace {
  readonly host: string;
  readonly port: number;
}

/** Is given what was read; it changes once this returns. */
type Reader = (chunk: Buffer) => void;

/** Where a socket is to read to, as `net.Socket` takes it. */
interface Reading {
  readonly buffer: Buffer;
  readonly callback: (bytes: number) => boolean;
}

/**
 * Connects by a socket that reads into memory which is lent to `reader`, instead of memory of its own for each read, of which Node takes
 * 64 KB every time: that is a tenth of what a connection with small messages costs. Nothing that it reads comes as an event but its end.
 */
export function connectLending(place: TcpPlace, reader: Reader): Socket {
  return connect({ ...place, allowHalfOpen: true, noDelay: true, onread: readingTo(reader) });
}

/**
 * The same connection by another socket that lends; this one is used up, and ends with it. Node can be told where a socket reads to only
 * when it is made, and makes those that its servers accept itself. Undefined where bytes are on their way through this one, or Node has
 * changed what this needs: then nothing has happened.
 */
export function movedToLending(socket: Socket, reader: Reader): Socket | undefined {
  const owner: Socket & { _handle?: object | null } = socket;
  const { _handle: handle } = owner;
  if (handle === undefined || handle === null || isUnderWay(socket)) return undefined;
  // Read once, Node remembers them.
  void [socket.remoteAddress, socket.remotePort];
  owner._handle = null;
  const options: object = { handle, onread: readingTo(reader), allowHalfOpen: true };
  const moved = new Socket(options);
  // Whoever counts, closes or waits for the one that was accepted means the connection.
  moved.once('close', () => socket.destroy());
  socket.once('close', () => moved.destroy());
  return moved;
}

function isUnderWay(socket: Socket): boolean {
  return (
    socket.destroyed ||
    socket.readableLength > 0 ||
    socket.readableEnded ||
    socket.writableLength > 0 ||
    socket.writableEnded ||
    socket.writableCorked > 0
  );
}

function readingTo(reader: Reader): Reading {
  const buffer = (lent ??= Buffer.allocUnsafeSlow(READ_BYTES));
  const callback = (bytes: number): boolean => {
    reader(buffer.subarray(0, bytes));
    return true;
  };
  return { buffer, callback };
}
