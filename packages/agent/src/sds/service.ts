import { Code, ConnectError } from '@connectrpc/connect';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { MeshLog } from '@rampart/mesh';
import type { SecretDiscoveryService } from '@rampart/wire/sds';

import type { Caller } from '../endpoint/caller.ts';
import { callerOf } from '../endpoint/endpoint.ts';
import { turnsOf } from '../endpoint/turns.ts';
import type { Identities } from '../identities/identities.ts';
import { Watched } from '../identities/watched.ts';
import { SecretDeltas } from './delta.ts';
import { secretsOf } from './secrets.ts';
import type { PackedSecret, SecretQuestion } from './secrets.ts';
import { checkType, response, SecretStream, wantsPlain } from './state-of-the-world.ts';

/** Either form of the protocol, as one stream of it goes. */
interface Conversation<Request, Response> {
  readonly question: SecretQuestion | undefined;
  take(request: Request): void;
  next(secrets: ReadonlyMap<string, PackedSecret>): Response | undefined;
}

/** Envoy's Secret Discovery Service, version 3, with the names of secrets that SPIRE's agent has. */
export function createSecretDiscovery(
  identities: Identities,
  log: MeshLog,
): ServiceImpl<typeof SecretDiscoveryService> {
  return {
    streamSecrets: (requests, context) => converse(requests, new SecretStream(log), { identities, context }),
    deltaSecrets: (requests, context) => converse(requests, new SecretDeltas(log), { identities, context }),
    async fetchSecrets({ typeUrl, resourceNames, node }, context) {
      checkType(typeUrl);
      using watched = new Watched(identities.x509);
      const names = resourceNames.length === 0 ? undefined : new Set(resourceNames);
      const question = { names, isPlain: wantsPlain(node?.metadata ?? {}) };
      const secrets = await secretsOf(callerOf(context), question, { identities, watched });
      const missing = resourceNames.find((name) => !secrets.has(name));
      if (missing === undefined) return response(secrets, '');
      throw new ConnectError(`${JSON.stringify(missing)} is no secret of this process`, Code.PermissionDenied);
    },
  };
}

interface Surroundings {
  readonly identities: Identities;
  readonly context: HandlerContext;
}

async function* converse<Request, Response>(
  requests: AsyncIterable<Request>,
  conversation: Conversation<Request, Response>,
  { identities, context }: Surroundings,
): AsyncGenerator<Response> {
  const caller: Caller = callerOf(context);
  using watched = new Watched(identities.x509);
  for await (const request of turnsOf(requests, identities.changes, context.signal)) {
    if (request !== undefined) conversation.take(request);
    const { question } = conversation;
    if (question === undefined) continue;
    const answer = conversation.next(await secretsOf(caller, question, { identities, watched }));
    if (answer !== undefined) yield answer;
  }
}
