import type { Duplex } from 'node:stream';

import type { ExtAuthzProvider } from '@rampart/core';

import type { HeaderChange, Reply, UnaskableReply } from './answer.ts';
import type { AuthorizerCall, BodyPeek } from './call.ts';

/** Opens a connection to a host: through the mesh where it is a service of the mesh, else in plaintext. May throw. */
export type ConnectToAuthorizer = (host: string, port: number) => Duplex;

/** One call, and as much of its body as the provider wants to see; undefined when it wants none. */
export interface Check {
  readonly provider: ExtAuthzProvider;
  readonly call: AuthorizerCall;
  readonly body: BodyPeek | undefined;
  /** Aborts when the caller goes away or the provider's time is over. */
  readonly signal: AbortSignal;
}

/** One way to ask: HTTP or gRPC. Never throws for what a server does; rejects only when there is nobody to be reached. */
export interface CheckTransport {
  check(check: Check): Promise<Reply | UnaskableReply>;
  /** Takes out what a caller says in the name of the authorizer without its knowledge. */
  distrust(call: AuthorizerCall): readonly HeaderChange[];
  /** Lets idle connections go and ends the others once they are idle. */
  close(): void;
}

/** What a client may make a data plane hold for one answer. */
export const MAX_ANSWER_BYTES: number = 1024 * 1024;
/** Of all headers of one answer; Envoy's default. */
export const MAX_HEADER_BYTES: number = 60 * 1024;
/** Connections and streams to one provider; more wait for them. */
export const MAX_CONNECTIONS = 128;

/** Told to an authorizer that wants bodies: whether it got all of this one (Envoy). */
export const PARTIAL_BODY_HEADER = 'x-envoy-auth-partial-body';
