import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';

export interface StreamOptions {
  readonly isLast: boolean;
  readonly received: (chunk: Buffer) => void;
}

/** One caller's own connection: HTTP/2 over TLS, as thin as it can be, so that what is measured is at the other end. */
export class Line {
  readonly #session: ClientHttp2Session;
  /** Names and values in turn, the form in which they are sent: a record of them is checked and taken apart with each call. */
  readonly #headers: readonly string[];

  constructor(origin: string, ca: Buffer, headers: Readonly<Record<string, string>>) {
    this.#session = connect(origin, { ca, settings: { initialWindowSize: 1024 * 1024 } });
    this.#headers = [
      ...[':method', 'POST', ':scheme', 'https', ':authority', new URL(origin).host],
      ...Object.entries(headers).flat(),
    ];
  }

  /** Sends one message and gives the content of the answer. Throws for any status but success, gRPC's own included. */
  call(path: string, message: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request([':path', path, ...this.#headers]);
      const chunks: Buffer[] = [];
      let status = '';
      stream.on('response', (headers) => {
        status = `${headers[':status']} ${grpcStatus(headers)}`;
      });
      stream.on('trailers', (trailers: IncomingHttpHeaders) => {
        status = `200 ${grpcStatus(trailers)}`;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        const content = Buffer.concat(chunks);
        if (status === '200 0') resolve(content);
        else reject(new Error(`${path}: ${status} ${content.toString('utf8').slice(0, 200)}`));
      });
      stream.end(message);
    });
  }

  /** Sends one message, and the end of them where the other end waits for it; `received` gets each piece of the answer as it comes. */
  stream(path: string, message: Uint8Array, { isLast, received }: StreamOptions): void {
    const stream = this.#session.request([':path', path, ...this.#headers]);
    stream.on('data', received);
    stream.on('error', () => undefined);
    if (isLast) stream.end(message);
    else stream.write(message);
  }

  close(): void {
    this.#session.destroy();
  }
}

function grpcStatus(headers: IncomingHttpHeaders): string {
  const value = headers['grpc-status'];
  return typeof value === 'string' ? value : '0';
}
