import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { type ErrorCode, isAgentId, RampartError, type SpiffeId } from '@rampart/core';
import type { SvidProblem } from '@rampart/spiffe';
import type { AdminTokens } from '../admin/admin-tokens.ts';
import type { ApiTokens } from '../admin/api-tokens/api-tokens.ts';
import { mayCall } from '../admin/api-tokens/role.ts';
import { accessOf } from './access.ts';
import { type Caller, connectionOf, setCaller } from './caller.ts';
import { type FailureLimit, isGuess, TOO_MANY_REFUSALS } from './limits/failure-limit.ts';
import { ERROR_CODE_METADATA } from './outcomes/error-code-metadata.ts';
import { admitParticipant, type ParticipantOptions } from './participants.ts';

export interface GateOptions {
  readonly tokens: AdminTokens;
  readonly apiTokens: ApiTokens;
  /** Who takes part in the registry. */
  readonly participants: Omit<ParticipantOptions, 'isAdministrator'>;
  /** Whether a registration entry makes whoever holds an identity an administrator. */
  isAdministrator(id: SpiffeId): boolean;
  /** Slows down addresses that keep being refused. */
  readonly failures: FailureLimit;
  /** Told of every refusal, for counters and the record. */
  refused(refusal: Refusal): void;
}

export interface Refusal {
  /** "rampart.v1.AdminService/Apply". */
  readonly method: string;
  readonly remoteAddress: string;
  readonly error: RampartError;
}

const RATE_LIMITED: ErrorCode = 'RATE_LIMITED';
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

/** What is known of a call when its headers are there. */
export type GateContext = Pick<HandlerContext, 'service' | 'method' | 'values' | 'requestHeader'>;

/** Lets a call in or refuses it, after its headers and before any of its message is read. */
export type Gate = (context: GateContext) => void | Promise<void>;

export function createGate(options: GateOptions): Gate {
  return (context) => {
    const method = `${context.service.typeName}/${context.method.name}`;
    const { remoteAddress } = connectionOf(context);
    refuseBlocked(context, options.failures);
    const isBlocked = options.failures.blocks(remoteAddress);
    if (accessOf(method) === 'anyone' && options.failures.blocksStrangers(remoteAddress)) {
      throw tooManyRefusals(options.failures.refusedHeaders(remoteAddress));
    }
    const refuse = (error: unknown): never => {
      if (error instanceof RampartError) {
        options.failures.fail(remoteAddress, isGuess(error, remoteAddress));
        options.refused({ method, remoteAddress, error });
      }
      // Whoever has a valid token or certificate is not kept out by a neighbour who guesses.
      throw isBlocked ? tooManyRefusals(options.failures.refusedHeaders(remoteAddress)) : error;
    };
    if (accessOf(method) === 'participant') {
      return admitParticipantTo(method, context, options).then((caller) => setCaller(context.values, caller), refuse);
    }
    try {
      setCaller(context.values, admit(method, context, options));
    } catch (error) {
      refuse(error);
    }
    return undefined;
  };
}

/** From a blocked address nothing is looked at but certificates, which nobody can guess. */
function refuseBlocked(context: GateContext, failures: FailureLimit): void {
  const connection = connectionOf(context);
  const milliseconds = failures.blockedMs(connection.remoteAddress);
  if (milliseconds === 0) return;
  if (!context.requestHeader.has('authorization') && connection.peer().ok) return;
  const seconds = Math.ceil(milliseconds / 1000);
  throw new ConnectError(
    `too many failed attempts from this address: it is blocked for ${seconds} s`,
    Code.ResourceExhausted,
    { [ERROR_CODE_METADATA]: RATE_LIMITED, ...failures.refusedHeaders(connection.remoteAddress) },
  );
}

function tooManyRefusals(headers: Readonly<Record<string, string>>): ConnectError {
  const metadata = { [ERROR_CODE_METADATA]: RATE_LIMITED, ...headers };
  return new ConnectError(TOO_MANY_REFUSALS, Code.ResourceExhausted, metadata);
}

function admit(method: string, context: GateContext, tokens: OperatorTokens): Caller {
  const access = accessOf(method);
  switch (access) {
    case 'anyone':
      return { kind: 'anyone' };
    case 'workload':
    case 'agent':
    case 'holder':
      return admitHolder(context, access);
    case 'admin':
      return admitOperator(method, context, tokens);
    case 'participant':
    case undefined:
      throw new RampartError('PERMISSION_DENIED', `nobody may call ${method}`);
  }
}

/** Tokens of the API are for what their role may call, here too. */
async function admitParticipantTo(method: string, context: GateContext, options: GateOptions): Promise<Caller> {
  const role = options.apiTokens.identify(bearerOf(context) ?? '')?.role;
  if (role !== undefined && role !== 'service') return admitOperator(method, context, options);
  return admitParticipant(context, { ...options.participants, isAdministrator: options.isAdministrator });
}

function bearerOf(context: GateContext): string | undefined {
  return BEARER.exec(context.requestHeader.get('authorization') ?? '')?.[1];
}

function admitHolder(context: GateContext, asked: 'workload' | 'agent' | 'holder'): Caller {
  const verified = connectionOf(context).peer();
  if (verified.ok) {
    const { id } = verified.value;
    const kind = isAgentId(id) ? 'agent' : 'workload';
    if (asked !== 'holder' && kind !== asked) {
      throw new RampartError('PERMISSION_DENIED', `${id.toString()} is no ${asked}: this method is for ${asked}s`);
    }
    return kind === 'agent'
      ? { kind, peer: verified.value }
      : { kind, peer: { ...verified.value, namespace: id.namespace ?? '' } };
  }
  throw new RampartError(refusalCode(verified.problem), verified.problem.message, { detail: verified.problem.code });
}

function refusalCode(problem: SvidProblem): ErrorCode {
  if (problem.code === 'NO_CERTIFICATE') {
    return 'UNAUTHENTICATED';
  }
  return problem.code === 'REVOKED' ? 'CERTIFICATE_REVOKED' : 'INVALID_CERTIFICATE';
}

/** A workload whose registration entry makes it an administrator needs no token: its certificate says who it is. */
function admitAdministrator(context: GateContext, isAdministrator: (id: SpiffeId) => boolean): Caller {
  const verified = connectionOf(context).peer();
  if (verified.ok && isAdministrator(verified.value.id)) {
    return { kind: 'admin', name: verified.value.id.toString(), role: 'admin' };
  }
  throw new RampartError('UNAUTHENTICATED', 'this method needs an admin token: Authorization: Bearer …');
}

type OperatorTokens = Pick<GateOptions, 'tokens' | 'apiTokens' | 'isAdministrator'>;

function admitOperator(method: string, context: GateContext, operators: OperatorTokens): Caller {
  const { tokens, apiTokens, isAdministrator } = operators;
  const header = context.requestHeader.get('authorization');
  if (header === null) {
    return admitAdministrator(context, isAdministrator);
  }
  const token = BEARER.exec(header)?.[1] ?? '';
  const name = tokens.nameOf(token);
  if (name !== undefined) {
    return { kind: 'admin', name, role: 'admin' };
  }
  const known = apiTokens.identify(token);
  if (known === undefined) {
    throw new RampartError(
      'UNAUTHENTICATED',
      'the token is not valid, or no longer: use the one in admin.token of the data directory, or get one with: rampart api-token create',
    );
  }
  if (!mayCall(known.role, method)) {
    throw new RampartError(
      'PERMISSION_DENIED',
      `the token of ${known.name} has the role ${known.role}, which may not call ${method}`,
    );
  }
  return { kind: 'admin', name: known.name, role: known.role, tokenId: known.id };
}
