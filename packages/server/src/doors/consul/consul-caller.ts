import type { Result } from '@rampart/core';
import type { AuthenticationFailure, RegistryIdentity } from '@rampart/registry';
import type { TLSSocket } from 'node:tls';

/** Who calls, and the most that his credentials are for. */
export interface ConsulCaller {
  readonly identity: RegistryIdentity;
  /** `read` for tokens that change nothing, `operator` for those of administrators. */
  readonly may: 'read' | 'write' | 'operator';
  /** Of a token of the API. */
  readonly tokenId?: string;
}

/** What a call says of its caller. */
export interface CallCredentials {
  /** Value of Authorization, or of X-Consul-Token as if it stood there. */
  readonly authorization: string | undefined;
  /** Undefined over plain HTTP. */
  readonly tls: TLSSocket | undefined;
  readonly remoteAddress: string;
  /** For the record of a refusal: "PUT /v1/agent/service/register". */
  readonly endpoint: string;
}

/** Whose credentials they are, or why they are nobody's. */
export type Identified = Result<ConsulCaller, AuthenticationFailure>;

/** AuthenticateRequest for this door. */
export interface CallerDesk {
  /** What an address is told that was refused so often that it has to wait; undefined when it has not. */
  blocks(remoteAddress: string): Readonly<Record<string, string>> | undefined;
  /** The same where nothing but a certificate is looked at from this address; it holds for what anybody is told, too. */
  blocksUnseen(credentials: Omit<CallCredentials, 'endpoint'>): Readonly<Record<string, string>> | undefined;
  /** At once where the holder of the credentials is known at once. */
  identify(credentials: CallCredentials): Identified | Promise<Identified>;
  /** Takes one call from what the caller may make; operators may make any number. */
  limit(caller: ConsulCaller, remoteAddress: string, kind: 'registration' | 'query'): LimitOutcome;
}

/** Fields of the header that say what is left, or when there is something again. */
export interface LimitOutcome {
  readonly isRefused: boolean;
  readonly headers: Readonly<Record<string, string>>;
}
