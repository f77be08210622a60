import { fail, ok, type Result, type SpiffeId } from '@rampart/core';
import type { AuditEvent } from '@rampart/journal';
import { authenticateRequest, type AuthenticationFailure, type RegistryIdentity } from '@rampart/registry';
import type { TLSSocket } from 'node:tls';
import type { AdminTokens } from '../../admin/admin-tokens.ts';
import type { ApiTokens } from '../../admin/api-tokens/api-tokens.ts';
import type { FailureLimit } from '../limits/failure-limit.ts';
import type { Holder, PeerVerifier } from '../peer.ts';
import type { RegistryCallers } from '../services/registry/identity.ts';
import type { CallCredentials, CallerDesk, ConsulCaller } from './consul-caller.ts';

export interface CallerDeskOptions {
  readonly tokens: AdminTokens;
  readonly apiTokens: ApiTokens;
  readonly verifier: PeerVerifier;
  readonly holders: RegistryCallers;
  /** Whether a registration entry makes whoever holds an identity an administrator. */
  isAdministrator(id: SpiffeId): boolean;
  /** Whether callers without any credentials are let in. */
  allowsAnonymous(): boolean;
  readonly failures: FailureLimit;
  audit(event: AuditEvent): void;
}

type Identified = Result<ConsulCaller, AuthenticationFailure>;

/** AuthenticateRequest with the tokens and certificates that the API takes too; each failure is on the record. */
export function createCallerDesk(options: CallerDeskOptions): CallerDesk {
  const { failures } = options;
  return {
    isBlocked: (remoteAddress) => failures.blocks(remoteAddress),
    identify: async (credentials) => {
      const outcome = await identify(credentials, options);
      if (!outcome.ok) recordFailure(outcome.problem, credentials, options);
      return outcome;
    },
  };
}

async function identify({ authorization, tls }: CallCredentials, options: CallerDeskOptions): Promise<Identified> {
  const holder = tls === undefined ? undefined : holderOf(tls, options.verifier);
  let may: ConsulCaller['may'] = 'write';
  const validate = (token: string): RegistryIdentity | undefined => {
    const admin = options.tokens.nameOf(token);
    if (admin !== undefined) {
      may = 'operator';
      return { kind: 'operator', name: admin };
    }
    const known = options.apiTokens.identify(token);
    if (known === undefined || known.role === 'enroller') return undefined;
    may = known.role === 'admin' ? 'operator' : 'read';
    return { kind: 'operator', name: known.name };
  };
  const authenticated = await authenticateRequest(
    {
      authorization,
      ...(holder === undefined ? {} : { certificate: () => certified(holder) }),
    },
    { tokens: { validate }, allowAnonymous: options.allowsAnonymous() },
  );
  if (!authenticated.ok) return authenticated;
  const identity = authenticated.value;
  if (identity.kind !== 'spiffe' || holder?.ok !== true) return ok({ identity, may });
  if (options.isAdministrator(identity.id)) {
    return ok({ identity: { kind: 'operator', name: identity.id.toString() }, may: 'operator' });
  }
  return ok({ identity: await options.holders.holder(holder.value), may });
}

type Judged = ReturnType<PeerVerifier['verify']>;

/** What the certificate of the connection proves; undefined without one. */
function holderOf(tls: TLSSocket, verifier: PeerVerifier): Judged | undefined {
  const judged = verifier.verify(tls);
  return !judged.ok && judged.problem.code === 'NO_CERTIFICATE' ? undefined : judged;
}

function certified(judged: Judged): Result<RegistryIdentity, { readonly reason: string }> {
  if (!judged.ok) return fail({ reason: judged.problem.message });
  const { id }: Holder = judged.value;
  return ok({ kind: 'spiffe', id });
}

/** Whoever goes on and on is counted, but cannot fill the record. */
function recordFailure(
  { error, reason, attempted }: AuthenticationFailure,
  { remoteAddress, endpoint }: CallCredentials,
  { failures, audit }: CallerDeskOptions,
): void {
  failures.fail(remoteAddress);
  if (failures.blocks(remoteAddress)) return;
  audit({
    eventType: 'AUTHENTICATION_FAILED',
    identity: attempted,
    sourceIp: remoteAddress,
    result: 'DENIED',
    details: { method: endpoint, answer: error.message, reason },
  });
}
