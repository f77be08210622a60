import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { type Clock, RampartError, type Timer } from '@rampart/core';
import { type ListenAddress, listen } from '../listening.ts';
import { cutUnread } from '../unread-request.ts';
import type { DocumentDesk } from './public-documents.ts';

export interface WebDoorOptions extends ListenAddress {
  /** PEM certificate chain that clients of the public web trust, leaf first. Read again every minute, for it will be renewed. */
  readonly certificateFile: string;
  /** PEM private key. */
  readonly keyFile: string;
  readonly documents: DocumentDesk;
  readonly clock: Clock;
  /** Told why a renewed certificate cannot be used; the one before stays. */
  failed(error: unknown): void;
}

/** The public documents for those who know the public web's authorities only: bundle endpoint of the profile https_web, OpenID Connect. */
export interface WebDoor {
  readonly port: number;
  close(): Promise<void>;
}

interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** Mozilla's intermediate configuration, version 5.7 (SPIFFE_Federation.md §5.2.1): TLS 1.2 with forward secrecy, and TLS 1.3. */
const TLS = {
  minVersion: 'TLSv1.2',
  ciphers: [
    ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
    ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    ...['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ].join(':'),
} as const;
/** For whoever connects and says nothing, or little by little; ten thousand times over costs little more. */
const LIMITS = {
  handshakeTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 8 * 1024,
} as const;
/** A connection without any traffic is gone after this, whether it ever asked for anything or not. */
const IDLE_MS = 15_000;
const RELOAD_MS = 60_000;

/** @throws RampartError PORT_IN_USE; INVALID_ARGUMENT when certificate or key cannot be used. */
export async function openWebDoor(options: WebDoorOptions): Promise<WebDoor> {
  let credentials = await load(options);
  const server = createServer({ ...TLS, ...credentials, ...LIMITS }, (request, response) => {
    cutUnread(request, response);
    if (!options.documents(request, response))
      response.writeHead(404, { 'content-type': 'text/plain' }).end('there is nothing here\n');
  });
  server.setTimeout(IDLE_MS);
  const port = await listen(server, options);
  let timer: Timer;
  const reload = async (): Promise<void> => {
    const next = await load(options);
    if (next.cert === credentials.cert && next.key === credentials.key) return;
    credentials = next;
    server.setSecureContext({ ...TLS, ...next });
  };
  const later = (): void => {
    timer = options.clock.after(RELOAD_MS, () => void reload().catch(options.failed).finally(later));
  };
  later();
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        timer.cancel();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function load({ certificateFile, keyFile }: WebDoorOptions): Promise<Credentials> {
  try {
    const [cert, key] = await Promise.all([readFile(certificateFile, 'utf8'), readFile(keyFile, 'utf8')]);
    // Half of a pair that is being replaced must not end up in use.
    createSecureContext({ cert, key });
    return { cert, key };
  } catch (cause) {
    const message = `certificate ${certificateFile} and key ${keyFile} of the web door cannot be used; give PEM files that belong together`;
    throw new RampartError('INVALID_ARGUMENT', message, { cause });
  }
}
