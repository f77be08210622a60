import type { IncomingMessage } from 'node:http';

/** As Consul limits values; a registration is a few hundred bytes. */
const LARGEST_BYTES = 512 * 1024;

/** The body as UTF-8; undefined when it is longer than anybody needs, or no UTF-8. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > LARGEST_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    return undefined;
  }
}
