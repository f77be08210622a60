import { type ContextKey, type ContextValues, createContextKey, type HandlerContext } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { Result } from '@rampart/core';
import type { SvidProblem } from '@rampart/spiffe';
import type { RegistryIdentity } from '@rampart/registry';
import type { Role } from '../admin/api-tokens/role.ts';
import type { Holder, Peer } from './peer.ts';

/** Who called a method, as the door found out before it read a byte of the message. */
export type Caller =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'workload'; readonly peer: Peer }
  | { readonly kind: 'agent'; readonly peer: Holder }
  /** Of the registry, by a token that is no operator's, or anonymous. */
  | {
      readonly kind: 'participant';
      readonly identity: RegistryIdentity;
      readonly tokenId?: string;
      /** Unix milliseconds at which what proves it ends; absent where it has no end of its own. */
      readonly until?: number;
    }
  | {
      readonly kind: 'admin';
      readonly name: string;
      readonly role: Role;
      /** Undefined for the token of the data directory. */ readonly tokenId?: string;
    };

/** The connection a call came over. */
export interface Connection {
  /** Address of the other end without port; IPv4 in its own form. */
  readonly remoteAddress: string;
  /** Who the other end proved to be, judged now. */
  peer(): Result<Holder, SvidProblem>;
  /** Ends the connection at once, with everything on it. */
  destroy(): void;
}

const CALLER: ContextKey<Caller | undefined> = createContextKey<Caller | undefined>(undefined, {
  description: 'caller',
});
const CONNECTION: ContextKey<Connection | undefined> = createContextKey<Connection | undefined>(undefined, {
  description: 'connection',
});

export function setCaller(values: ContextValues, caller: Caller): void {
  values.set(CALLER, caller);
}

export function setConnection(values: ContextValues, connection: Connection): void {
  values.set(CONNECTION, connection);
}

export function connectionOf({ values }: Pick<HandlerContext, 'values'>): Connection {
  const connection = values.get(CONNECTION);
  if (connection === undefined) {
    throw new RampartError('INTERNAL', 'BUG: a call without a connection');
  }
  return connection;
}

/** Whoever called; undefined before the gate. */
export function callerOf({ values }: Pick<HandlerContext, 'values'>): Caller | undefined {
  return values.get(CALLER);
}

/** The workload that called. A method asks for it in its body, so that a wrong row in the access table cannot open it. */
export function workloadOf({ values }: Pick<HandlerContext, 'values'>): Peer {
  const caller = values.get(CALLER);
  if (caller?.kind !== 'workload') {
    throw new RampartError('UNAUTHENTICATED', 'this method needs a client certificate of this mesh');
  }
  return caller.peer;
}

/** The agent that called. */
export function agentOf({ values }: Pick<HandlerContext, 'values'>): Holder {
  const caller = values.get(CALLER);
  if (caller?.kind !== 'agent') {
    throw new RampartError('UNAUTHENTICATED', 'this method needs the client certificate of an agent of this mesh');
  }
  return caller.peer;
}

/** The workload or agent that called. */
export function holderOf({ values }: Pick<HandlerContext, 'values'>): Holder {
  const caller = values.get(CALLER);
  if (caller?.kind !== 'workload' && caller?.kind !== 'agent') {
    throw new RampartError('UNAUTHENTICATED', 'this method needs a client certificate of this mesh');
  }
  return caller.peer;
}

/** Operator that called: "role:name", by its token. */
export function adminOf({ values }: Pick<HandlerContext, 'values'>): string {
  const caller = values.get(CALLER);
  if (caller?.kind !== 'admin') {
    throw new RampartError('UNAUTHENTICATED', 'this method needs an admin token: Authorization: Bearer …');
  }
  return `${caller.role}:${caller.name}`;
}

/** Role of the operator that called; undefined for others. */
export function roleOf({ values }: Pick<HandlerContext, 'values'>): Role | undefined {
  const caller = values.get(CALLER);
  return caller?.kind === 'admin' ? caller.role : undefined;
}

/** Id of the short-lived token that called; undefined when none did. */
export function apiTokenOf({ values }: Pick<HandlerContext, 'values'>): string | undefined {
  const caller = values.get(CALLER);
  return caller?.kind === 'admin' || caller?.kind === 'participant' ? caller.tokenId : undefined;
}
