import type { TLSSocket } from 'node:tls';
import { ConnectError } from '@connectrpc/connect';
import { fail, isAgentId, ok, type Result, type SpiffeId } from '@rampart/core';
import type { AuditEvent } from '@rampart/journal';
import {
  type Authenticated,
  authenticateRequest,
  type AuthenticationFailure,
  type CertificateProblem,
  nameOfIdentity,
  type RegistryIdentity,
} from '@rampart/registry';
import type { RegistryTokens, TokenHolder } from '../../registry/registry-tokens.ts';
import type { CallerLimits } from '../limits/caller-limits.ts';
import { type FailureLimit, isGuess } from '../limits/failure-limit.ts';
import { rateHeaders } from '../limits/rate-headers.ts';
import type { PeerVerifier } from '../peer.ts';
import type { RegistryCallers } from '../services/registry/identity.ts';
import type { CallCredentials, CallerDesk, ConsulCaller, Identified, LimitOutcome } from './consul-caller.ts';

export interface CallerDeskOptions {
  readonly registryTokens: RegistryTokens;
  readonly verifier: PeerVerifier;
  readonly holders: RegistryCallers;
  readonly limits: CallerLimits;
  /** Whether a registration entry makes whoever holds an identity an administrator. */
  isAdministrator(id: SpiffeId): boolean;
  /** Whether callers without any credentials are let in. */
  allowsAnonymous(): boolean;
  readonly failures: FailureLimit;
  audit(event: AuditEvent): void;
}

/** AuthenticateRequest with the tokens and certificates that the API takes too; each failure is on the record. */
export function createCallerDesk(options: CallerDeskOptions): CallerDesk {
  const { failures } = options;
  return {
    blocks: (remoteAddress) => (failures.blocks(remoteAddress) ? failures.refusedHeaders(remoteAddress) : undefined),
    blocksUnseen: ({ authorization, tls, remoteAddress }) => {
      const proves = (): boolean => authorization === undefined && tls !== undefined && options.verifier.verify(tls).ok;
      const isBlocked = failures.blockedMs(remoteAddress) > 0 && !proves();
      return isBlocked ? failures.refusedHeaders(remoteAddress) : undefined;
    },
    identify: (credentials) => {
      const recorded = (outcome: Identified): Identified => {
        if (!outcome.ok) recordFailure(outcome.problem, credentials, options);
        return outcome;
      };
      const outcome = identify(credentials, options);
      return outcome instanceof Promise ? outcome.then(recorded) : recorded(outcome);
    },
    limit: ({ identity }, remoteAddress, kind) => {
      if (identity.kind === 'operator') return { isRefused: false, headers: {} };
      const name = identity.kind === 'anonymous' ? '' : nameOfIdentity(identity);
      return limited(() => rateHeaders(options.limits.admit(kind, { remoteAddress, identity: name })));
    },
  };
}

function identify(credentials: CallCredentials, options: CallerDeskOptions): Identified | Promise<Identified> {
  const { authorization, tls } = credentials;
  const judged = authorization === undefined && tls !== undefined ? judgedOf(tls, options.verifier) : undefined;
  const shown: Shown = { judged };
  const noted = (holder: TokenHolder | undefined): RegistryIdentity | undefined => (shown.holder = holder)?.identity;
  const authenticated = authenticateRequest(
    { authorization, ...(judged === undefined ? {} : { certificate: () => certified(judged) }) },
    {
      tokens: {
        validate: (token) => {
          const holder = options.registryTokens.holderOf(token);
          return holder instanceof Promise ? holder.then(noted) : noted(holder);
        },
      },
      allowAnonymous: options.allowsAnonymous(),
    },
  );
  return authenticated instanceof Promise
    ? authenticated.then((outcome) => callerOf(outcome, shown, options))
    : callerOf(authenticated, shown, options);
}

/** What proves who calls. */
interface Shown {
  holder?: TokenHolder | undefined;
  readonly judged: Judged | undefined;
}

function callerOf(
  authenticated: Authenticated,
  { holder, judged }: Shown,
  options: CallerDeskOptions,
): Identified | Promise<Identified> {
  if (!authenticated.ok) return authenticated;
  const identity = authenticated.value;
  if (holder !== undefined) return ok(ofToken(holder));
  if (identity.kind !== 'spiffe' || judged?.ok !== true) return ok({ identity, may: 'write' });
  if (options.isAdministrator(identity.id)) {
    return ok({ identity: { kind: 'operator', name: identity.id.toString() }, may: 'operator' });
  }
  return options.holders.holder(judged.value).then((attested) => ok({ identity: attested, may: 'write' }));
}

/** Tokens for looking, and those that only bring workloads in, change nothing here. */
function ofToken({ identity, tokenId, role }: TokenHolder): ConsulCaller {
  if (identity.kind === 'operator') return { identity, may: 'operator', ...(tokenId === undefined ? {} : { tokenId }) };
  if (tokenId === undefined) return { identity, may: 'write' };
  return { identity, tokenId, may: role === 'service' ? 'write' : 'read' };
}

type Judged = ReturnType<PeerVerifier['verify']>;

/** What the certificate of the connection proves; undefined without one. */
function judgedOf(tls: TLSSocket, verifier: PeerVerifier): Judged | undefined {
  const judged = verifier.verify(tls);
  return !judged.ok && judged.problem.code === 'NO_CERTIFICATE' ? undefined : judged;
}

function certified(judged: Judged): Result<RegistryIdentity, CertificateProblem> {
  if (!judged.ok) return fail({ reason: judged.problem.message });
  const { id } = judged.value;
  if (isAgentId(id)) return fail({ reason: 'an agent takes no part in the registry', claimed: id.toString() });
  return ok({ kind: 'spiffe', id });
}

/** The limits speak to callers of the API; here their words are headers. */
function limited(admit: () => Readonly<Record<string, string>>): LimitOutcome {
  try {
    return { isRefused: false, headers: admit() };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const names = ['retry-after', 'ratelimit', 'ratelimit-policy'];
    const headers = names.flatMap((name) => {
      const value = error.metadata.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    return { isRefused: true, headers: Object.fromEntries(headers) };
  }
}

/** Whoever goes on and on is counted, but cannot fill the record. */
function recordFailure(
  { error, reason, attempted }: AuthenticationFailure,
  { remoteAddress, endpoint }: CallCredentials,
  { failures, audit }: CallerDeskOptions,
): void {
  failures.fail(remoteAddress, isGuess(error, remoteAddress));
  if (failures.blocks(remoteAddress)) return;
  audit({
    eventType: 'AUTHENTICATION_FAILED',
    identity: attempted,
    sourceIp: remoteAddress,
    result: 'DENIED',
    details: { method: endpoint, code: error.code, reason },
  });
}
