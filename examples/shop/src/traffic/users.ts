import { fileURLToPath } from 'node:url';
import type { Shop } from '../mesh/shop.ts';
import type { Child } from '../process/child.ts';
import type { UserRequest } from './journey.ts';

const LOADER = fileURLToPath(new URL('loader.ts', import.meta.url));

/** Sends users into the shop: a process of its own, outside the mesh. */
export function startUsers(
  shop: Shop,
  plan: { readonly rate: number; readonly visits: number },
  onRequest: (request: UserRequest) => void,
): Child {
  const users = shop.staff.run('users', {
    file: LOADER,
    onLine: (line) => onRequest(JSON.parse(line) as UserRequest),
  });
  users.tell(JSON.stringify({ target: shop.frontend, ...plan }));
  return users;
}
