import type { Readable } from 'node:stream';
import type { NodeRequest, NodeResponse } from '../node-handler.ts';

/** A content as far as anybody needs it: what is beyond `most` bytes is not read. Undefined when the caller went away in it. */
export function contentOf(request: NodeRequest, response: NodeResponse, most: number): Promise<Buffer | undefined> {
  // Over HTTP/2 the request is a stream around the one that has the content.
  const source: Readable = 'stream' in request ? request.stream : request;
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const chunks: Buffer[] = [];
  let length = 0;
  const end = (): void => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  if (source.destroyed) resolve(undefined);
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= most) return;
    source.off('data', keep).pause();
    // What nobody wants is let go once it is answered, so that the stream comes to its end.
    response.once('finish', () => source.resume());
    end();
  };
  source.on('data', keep);
  source.once('end', end);
  source.once('close', () => resolve(undefined));
  return promise;
}
