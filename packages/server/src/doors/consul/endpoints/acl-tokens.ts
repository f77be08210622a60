import { RampartError } from '@rampart/core';
import type { ApiTokenRecord } from '../../../admin/api-tokens/store.ts';
import { NEVER_ENDS } from '../../../admin/api-tokens/store.ts';
import type { AclParts } from '../acl/acl-parts.ts';
import { GLOBAL_MANAGEMENT, policyId, policyOfTeam, teamOfPolicy } from '../acl/policy.ts';
import { accessorOf, tokenIdOf } from '../acl/uuid.ts';
import type { Item } from '../filter/filter.ts';
import { type ConsulAnswer, jsonAnswer, textAnswer } from '../http/answer.ts';
import { bodyFields, type ConsulCall, optionalFields, param } from '../http/call.ts';
import type { ConsulRoutes } from '../http/route.ts';
import { contentHash } from '../model/service.ts';
import { duration } from '../registration/check-definition.ts';
import type { Fields } from '../registration/fields.ts';
import { findPolicy, operatorOf } from './acl-policies.ts';

/** What else Consul gives tokens. */
const NOT_PART = [
  'Roles',
  'ServiceIdentities',
  'NodeIdentities',
  'TemplatedPolicies',
  'AuthMethod',
  'SecretID',
  'AccessorID',
] as const;
/** Only its hash is kept. */
const HIDDEN = '<hidden>';

/** `/v1/acl/token…`: a token is one of the API's, of the role "service", and its policies are teams that rules are about. */
export function aclTokenRoutes(acl: AclParts): ConsulRoutes {
  return {
    'PUT /v1/acl/bootstrap': () =>
      textAnswer(
        403,
        'Permission denied: ACL bootstrap no longer allowed: the first token is admin.token of the data directory',
      ),
    'GET /v1/acl/tokens': () => jsonAnswer(acl.apiTokens.list().map((record) => tokenFields(record))),
    'GET /v1/acl/token/self': (call) => {
      const { caller } = call;
      const own = acl.apiTokens.list().find(({ id }) => id === call.tokenId);
      if (own !== undefined) return jsonAnswer({ ...tokenFields(own), SecretID: HIDDEN });
      if (caller.kind !== 'operator') return textAnswer(404, 'ACL not found: who calls has no token');
      return jsonAnswer({
        AccessorID: accessorOf('0'.repeat(16)),
        SecretID: HIDDEN,
        Description: caller.name,
        Policies: [{ ID: GLOBAL_MANAGEMENT.id, Name: GLOBAL_MANAGEMENT.name }],
        Local: false,
      });
    },
    'GET /v1/acl/token/:accessor': (call) => {
      const found = findToken(call, acl);
      return found === undefined
        ? textAnswer(404, 'ACL not found')
        : jsonAnswer({ ...tokenFields(found), SecretID: HIDDEN });
    },
    'PUT /v1/acl/token': (call) => {
      const fields = bodyFields(call);
      for (const name of NOT_PART) if (fields.has(name)) throw fields.problem(name, 'is not part of this registry');
      return created(call, acl, { fields, teams: teamsOf(fields, acl) });
    },
    'PUT /v1/acl/token/:accessor/clone': (call) => {
      const found = findToken(call, acl);
      if (found === undefined) return textAnswer(404, 'ACL not found');
      return created(call, acl, { fields: optionalFields(call), teams: found.teams });
    },
    'DELETE /v1/acl/token/:accessor': async (call) => {
      const found = findToken(call, acl);
      if (found !== undefined) await acl.apiTokens.revoke({ id: found.id }, operatorOf(call));
      return jsonAnswer(true);
    },
  };
}

function findToken(call: ConsulCall, { apiTokens }: AclParts): ApiTokenRecord | undefined {
  const wanted = tokenIdOf(param(call, 'accessor'));
  return apiTokens.list().find(({ id }) => id === wanted);
}

/** Policies by name or id, as teams. */
function teamsOf(fields: Fields, acl: AclParts): readonly string[] {
  return fields.objects('Policies').map((policy) => {
    const named = policy.filledText('Name') ?? policy.filledText('ID') ?? '';
    const found = findPolicy(named, acl);
    if (found === undefined) {
      const hint = named === GLOBAL_MANAGEMENT.name ? '; administrators get tokens with: rampart api-token create' : '';
      throw policy.problem('Name', `${JSON.stringify(named)} is no policy${hint}`);
    }
    return teamOfPolicy(found.resource.metadata.name);
  });
}

interface NewToken {
  readonly fields: Fields;
  readonly teams: readonly string[];
}

async function created(call: ConsulCall, { apiTokens }: AclParts, { fields, teams }: NewToken): Promise<ConsulAnswer> {
  const ttlMs = duration(fields, 'ExpirationTTL');
  if (fields.has('ExpirationTime')) throw fields.problem('ExpirationTime', 'is not taken: give ExpirationTTL');
  const description = fields.text('Description') ?? '';
  const { token, record } = await apiTokens.create(
    {
      name: nameOf(description),
      role: 'service',
      teams,
      ...(ttlMs === undefined ? { isStatic: true } : { ttlSeconds: Math.floor(ttlMs / 1000) }),
    },
    operatorOf(call),
  );
  return jsonAnswer({ ...tokenFields(record), SecretID: token });
}

/** What rules and records call the holder: the description in the letters that a name may have. */
function nameOf(description: string): string {
  const name = description
    .toLowerCase()
    .replaceAll(/[^a-z0-9._@-]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  if (name !== '') return name;
  throw new RampartError('INVALID_ARGUMENT', 'Invalid Token: Description must say who will hold it, such as "cart"');
}

function tokenFields({ id, name, role, teams, createdAt, expiresAt }: ApiTokenRecord): {
  readonly [key: string]: Item;
} {
  const named = teams.flatMap((team) => policyOfTeam(team) ?? []);
  const policies = role === 'admin' ? [GLOBAL_MANAGEMENT.name] : named;
  return {
    AccessorID: accessorOf(id),
    Description: name,
    Policies: policies.map((policy) => ({ ID: policyId(policy), Name: policy })),
    Local: false,
    CreateTime: new Date(createdAt).toISOString(),
    ...(expiresAt === NEVER_ENDS ? {} : { ExpirationTime: new Date(expiresAt).toISOString() }),
    Hash: contentHash([id, ...policies]),
    CreateIndex: 1,
    ModifyIndex: 1,
  };
}
