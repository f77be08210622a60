import { readFile } from 'node:fs/promises';
import { type Clock, RampartError } from '@rampart/core';
import { RegistryService } from '@rampart/wire';
import type {
  AdminService,
  ApiTokenService,
  AuditService,
  LedgerService,
  RevocationService,
  TrustService,
} from '@rampart/wire';
import { type Client, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  createNodeHttpClient,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import type { UniversalClientFn } from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import { readingAhead } from '@rampart/wire/reading-ahead';
import type { ClientSettings } from './client-settings.ts';
import { remoteFailure } from './remote-failure.ts';

export type AdminClient = Client<typeof AdminService>;

/** The services that operators call. */
export type OperatorService =
  | typeof AdminService
  | typeof ApiTokenService
  | typeof AuditService
  | typeof LedgerService
  | typeof RegistryService
  | typeof RevocationService
  | typeof TrustService;

// Something that takes the connection and says nothing must not hold a script for ever; a call may set its own.
const LONGEST_CALL_MS = 30_000;

const SMALLEST_COMPRESSED_BYTES = 1024;
const LARGEST_MESSAGE_BYTES = 0xffff_ffff;

// A stream that may be silent for hours must find out when the other end is gone without a word.
const KEPT_ALIVE = { pingIntervalMs: 15_000, pingTimeoutMs: 10_000 };

/**
 * Calls a service of the admin API over HTTP/2 and TLS 1.3 and closes the line when `work` ends. Only the given CA is trusted, whatever
 * the system trusts. Rejects with RampartError: what the control plane answered, or CONTROL_PLANE_UNREACHABLE.
 */
export async function callOperators<S extends OperatorService, T>(
  service: S,
  settings: ClientSettings & { readonly clock: Clock },
  work: (client: Client<S>) => Promise<T>,
): Promise<T> {
  const ca = await readSecured(settings.caFile, 'CA certificate', '--ca');
  const token = (await readSecured(settings.tokenFile, 'token', '--token-file')).trim();
  const sessionManager = readingAhead(
    new Http2SessionManager(settings.address, KEPT_ALIVE, { ca, minVersion: 'TLSv1.3' }),
  );
  const baseUrl = settings.address;
  const send = createNodeHttpClient({ httpVersion: '2', sessionProvider: () => sessionManager });
  const transport = createTransport({
    baseUrl,
    httpClient: service.typeName === RegistryService.typeName ? await believing(send, settings) : send,
    interceptors: [authenticate(token)],
    defaultTimeoutMs: LONGEST_CALL_MS,
    useBinaryFormat: true,
    acceptCompression: [compressionGzip, compressionBrotli],
    sendCompression: null,
    compressMinBytes: SMALLEST_COMPRESSED_BYTES,
    readMaxBytes: LARGEST_MESSAGE_BYTES,
    writeMaxBytes: LARGEST_MESSAGE_BYTES,
  });
  try {
    return await work(createClient(service, transport));
  } catch (error) {
    throw error instanceof ConnectError ? remoteFailure(error, settings) : error;
  } finally {
    sessionManager.abort();
  }
}

async function believing(
  send: UniversalClientFn,
  settings: ClientSettings & { readonly clock: Clock },
): Promise<UniversalClientFn> {
  const roots = await readSecured(settings.registryCaFile ?? settings.caFile, 'CA certificate', '--ca');
  // Certificates and signatures are for the registry's answers alone; no other command loads what reads them.
  const { believingSigned } = await import('./signed-answers.ts');
  return believingSigned(send, { settings, roots, now: () => settings.clock.now() });
}

async function readSecured(file: string, what: string, option: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RampartError(
      'CONTROL_PLANE_UNREACHABLE',
      `cannot read the ${what} in ${file}; is "rampart up" using that directory? Name another file with ${option}`,
      { cause: error },
    );
  }
}

function authenticate(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
}
