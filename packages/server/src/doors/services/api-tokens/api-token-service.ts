import type { ServiceImpl } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { ApiTokenService } from '@rampart/wire';
import type { ApiTokens, NewApiToken } from '../../../admin/api-tokens/api-tokens.ts';
import { type ApiTokenRecord, NEVER_ENDS } from '../../../admin/api-tokens/store.ts';
import { apiTokenOf, roleOf } from '../../caller.ts';
import { operatorOf } from '../admin/admin-parts.ts';

/** Short-lived tokens of this API itself. */
export function createApiTokenService(tokens: ApiTokens): ServiceImpl<typeof ApiTokenService> {
  return {
    createApiToken: async ({ name, role, ttlSeconds, teams, static: isStatic }, context) => {
      const by = operatorOf(context);
      if (isStatic && ttlSeconds !== 0) {
        throw new RampartError('INVALID_ARGUMENT', 'a static token has no ttl_seconds: leave one of the two out');
      }
      const life = ttlSeconds === 0 ? {} : { ttlSeconds };
      return created(await tokens.create({ name, role, teams, isStatic, ...life }, by));
    },
    listApiTokens: (_, context) => {
      operatorOf(context);
      return { tokens: tokens.list().map(description) };
    },
    rotateApiToken: async ({ id, ttlSeconds, overlapSeconds }, context) => {
      const by = operatorOf(context);
      const own = apiTokenOf(context);
      const which = id === '' ? own : id;
      if (which === undefined) {
        throw new RampartError(
          'INVALID_ARGUMENT',
          'id is missing: the token that calls is not one that can be rotated',
        );
      }
      if (which !== own && roleOf(context) !== 'admin') {
        throw new RampartError('PERMISSION_DENIED', 'only an admin may rotate the token of somebody else');
      }
      const times = {
        ...(ttlSeconds === 0 ? {} : { ttlSeconds }),
        ...(overlapSeconds === 0 ? {} : { overlapSeconds }),
      };
      return created(await tokens.rotate(which, times, by));
    },
    revokeApiToken: async ({ id, name }, context) => {
      const by = operatorOf(context);
      if ((id === '') === (name === '')) {
        throw new RampartError('INVALID_ARGUMENT', 'say which token by id, or by name which holder: one of the two');
      }
      return { revoked: await tokens.revoke(id === '' ? { name } : { id }, by) };
    },
  };
}

type Message = Record<string, unknown> & { readonly id: string };

function created({ token, record }: NewApiToken): { readonly token: string; readonly description: Message } {
  return { token, description: description(record) };
}

function description({ id, name, role, teams, createdAt, expiresAt, createdBy }: ApiTokenRecord): Message {
  const end = expiresAt === NEVER_ENDS ? 0 : expiresAt;
  return { id, name, role, teams: [...teams], createdBy, createdAt: BigInt(createdAt), expiresAt: BigInt(end) };
}
