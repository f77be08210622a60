import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestCa } from './test-ca.ts';

/** An HTTPS server on loopback with a certificate of an authority of its own. */
export interface TestHttpsServer {
  /** "https://127.0.0.1:<port>". */
  readonly url: string;
  /** PEM of the root that its certificate comes from. */
  readonly ca: string;
  close(): Promise<void>;
}

/** @param now Unix milliseconds at which its certificate is valid. */
export async function startHttpsServer(
  now: number,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestHttpsServer> {
  const ca = await TestCa.create('outside.test', now);
  const { certPem, keyPem } = await ca.issueServer(now, { ipAddresses: ['127.0.0.1'] });
  const server: Server = createServer({ cert: certPem, key: keyPem }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: ca.rootPem,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
