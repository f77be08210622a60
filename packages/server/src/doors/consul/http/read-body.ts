import type { IncomingMessage } from 'node:http';

/** As Consul limits values; a registration is a few hundred bytes. */
const LARGEST_BYTES = 512 * 1024;

/**
 * The body as UTF-8; undefined when it is longer than anybody needs, or no UTF-8. What comes later is read by events, because going
 * through the stream as an iteration costs more than the rest of most calls. Rejects when the caller goes away in its message.
 */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (isBodiless(request)) return '';
  // Requests are told of before the parser reads on. A turn later nearly every body is here as a whole, and no event need be waited for.
  if (!request.complete) await endOfTurn();
  const bytes = isHere(request) ? bytesHere(request) : await bytesToCome(request);
  if (bytes === undefined) return undefined;
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** RFC 9112 §6.3: a request with neither field has no body. */
function isBodiless({ headers }: IncomingMessage): boolean {
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

let turn: Promise<void> | undefined;

/** One for all who wait in the same turn. */
function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined;
      resolve();
    });
  });
  return turn;
}

/** Whether all of it was read from the connection, and nobody has taken it yet. */
function isHere({ complete, readableFlowing, destroyed }: IncomingMessage): boolean {
  return complete && readableFlowing === null && !destroyed;
}

function bytesHere(request: IncomingMessage): Buffer | undefined {
  const length = request.readableLength;
  const bytes = request.read() as Buffer | null;
  return length > LARGEST_BYTES ? undefined : (bytes ?? NOTHING);
}

const NOTHING = Buffer.alloc(0);

function bytesToCome(request: IncomingMessage): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  const gone = (): void => reject(new Error('the caller went away in its message'));
  if (request.destroyed) gone();
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= LARGEST_BYTES) {
      chunks.push(chunk);
      return;
    }
    request.pause();
    resolve(undefined);
  });
  request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
  request.once('error', reject);
  // Every request is closed at last, and an error for each of them would cost more than reading it.
  request.once('close', () => {
    if (!request.readableEnded) gone();
  });
  return promise;
}
