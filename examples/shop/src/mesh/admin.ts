import { readFile } from 'node:fs/promises';
import { createClient } from '@connectrpc/connect';
import type { Client, Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AdminService } from '@rampart/wire';

export type AdminClient = Client<typeof AdminService>;

/** The same door, and the same credentials, as the `rampart` command. */
export async function openAdmin(door: {
  readonly address: string;
  readonly caFile: string;
  readonly adminTokenFile: string;
}): Promise<AdminClient> {
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
  return createClient(AdminService, transport);
}
