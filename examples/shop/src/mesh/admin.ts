import { readFile } from 'node:fs/promises';
import { createClient } from '@connectrpc/connect';
import type { Client, Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AdminService, ApiTokenService } from '@rampart/wire';

export type AdminClient = Client<typeof AdminService>;
export type TokenClient = Client<typeof ApiTokenService>;

/** What an operator calls. */
export interface Operator {
  readonly admin: AdminClient;
  readonly tokens: TokenClient;
}

/** The same door, and the same credentials, as the `rampart` command. */
export async function openOperator(door: {
  readonly address: string;
  readonly caFile: string;
  readonly adminTokenFile: string;
}): Promise<Operator> {
  const [ca, token] = await Promise.all([readFile(door.caFile, 'utf8'), readFile(door.adminTokenFile, 'utf8')]);
  const authorization = `Bearer ${token.trim()}`;
  const withToken: Interceptor = (next) => (request) => {
    request.header.set('authorization', authorization);
    return next(request);
  };
  const transport = createConnectTransport({
    baseUrl: door.address,
    httpVersion: '2',
    nodeOptions: { ca },
    interceptors: [withToken],
  });
  return { admin: createClient(AdminService, transport), tokens: createClient(ApiTokenService, transport) };
}
