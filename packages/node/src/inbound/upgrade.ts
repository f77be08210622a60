import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What became of a connection that the application took over. */
export interface UpgradeEnd {
  /** Status that the application answered with; 0 when it closed the connection without a word. */
  readonly code: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})/;

/** Calls back when the connection is over. `socket` is what the application holds; the bytes are those of `connection`. */
export function followUpgrade(connection: Socket, socket: Duplex, ended: (end: UpgradeEnd) => void): void {
  const readBefore = connection.bytesRead;
  const sentBefore = connection.bytesWritten;
  let code = 0;
  const restore = noteFirstWrite(socket, (chunk) => {
    code = Number(STATUS_LINE.exec(textOf(chunk))?.[1] ?? 0);
  });
  socket.once('close', () => {
    restore();
    ended({ code, bytesReceived: connection.bytesRead - readBefore, bytesSent: connection.bytesWritten - sentBefore });
  });
}

/** An upgraded socket has no response object: what the application answers is only in the bytes it writes first. */
function noteFirstWrite(socket: Duplex, note: (chunk: unknown) => void): () => void {
  const { write, end } = socket;
  const restore = (): void => {
    Object.assign(socket, { write, end });
  };
  const first =
    (method: (...args: never[]) => unknown) =>
    (...args: unknown[]): unknown => {
      restore();
      note(args[0]);
      return Reflect.apply(method, socket, args);
    };
  Object.assign(socket, { write: first(write), end: first(end) });
  return restore;
}

function textOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk;
  return chunk instanceof Uint8Array
    ? Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.byteLength, 16)).toString('latin1')
    : '';
}
