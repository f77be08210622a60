import { readFile } from 'node:fs/promises';
import { RampartError } from '@rampart/core';
import { AdminService } from '@rampart/wire';
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import type { ClientSettings } from './client-settings.ts';
import { remoteFailure } from './remote-failure.ts';

export type AdminClient = Client<typeof AdminService>;

/** An open line to the admin API. */
export interface AdminConnection {
  readonly client: AdminClient;
  close(): void;
}

/**
 * Opens a line to the admin API over HTTP/2 and TLS 1.3. Only the given CA is trusted, whatever the system trusts.
 * Calls reject with RampartError: what the control plane answered, or CONTROL_PLANE_UNREACHABLE.
 */
export async function openAdminConnection(settings: ClientSettings): Promise<AdminConnection> {
  const ca = await readSecured(settings.caFile, 'CA certificate', '--ca');
  const token = (await readSecured(settings.tokenFile, 'token', '--token-file')).trim();
  const sessionManager = new Http2SessionManager(settings.address, {}, { ca, minVersion: 'TLSv1.3' });
  const transport = createConnectTransport({
    baseUrl: settings.address,
    httpVersion: '2',
    sessionManager,
    interceptors: [translateFailures(settings), authenticate(token)],
  });
  return { client: createClient(AdminService, transport), close: () => sessionManager.abort() };
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

function translateFailures(settings: ClientSettings): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: translateStream(response.message, settings) };
    } catch (error) {
      throw remoteFailure(error, settings);
    }
  };
}

async function* translateStream<T>(messages: AsyncIterable<T>, settings: ClientSettings): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw remoteFailure(error, settings);
  }
}
