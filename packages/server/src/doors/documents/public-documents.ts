import type { NodeRequest, NodeResponse } from '../node-handler.ts';

/** A document that anybody may read. */
export interface PublicDocument {
  readonly type: string;
  readonly body: string | Uint8Array;
  /** How long a reader may keep it. */
  readonly maxAgeSeconds: number;
}

/** Finds the document of a path ("/bundle"); undefined when it has none there, a text when it has none now and why. */
export type DocumentShelf = (path: string) => PublicDocument | string | undefined;

/** Answers a GET of a public document; false when the path is that of none. */
export type DocumentDesk = (request: NodeRequest, response: NodeResponse) => boolean;

/** The documents that this server gives to strangers: no authentication, nothing secret, nothing that changes anything. */
export function createDocumentDesk(shelves: readonly DocumentShelf[]): DocumentDesk {
  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const found = shelves.map((shelf) => shelf(path)).find((document) => document !== undefined);
    if (found === undefined) return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(response, {
        status: 405,
        type: 'text/plain; charset=utf-8',
        headers: { allow: 'GET, HEAD' },
        body: 'only GET and HEAD\n',
      });
    } else if (typeof found === 'string') {
      answer(response, {
        status: 404,
        type: 'text/plain; charset=utf-8',
        headers: { 'cache-control': 'no-store' },
        body: `${found}\n`,
      });
    } else {
      const headers = { 'cache-control': `public, max-age=${found.maxAgeSeconds}` };
      answer(response, { status: 200, type: found.type, headers, body: request.method === 'HEAD' ? '' : found.body });
    }
    return true;
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

function answer(response: NodeResponse, { status, type, headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff', ...headers });
  response.end(body);
}
