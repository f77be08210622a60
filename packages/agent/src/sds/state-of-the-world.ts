import { create } from '@bufbuild/protobuf';
import type { MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { MeshLog } from '@rampart/mesh';
import { DiscoveryResponseSchema } from '@rampart/wire/sds';
import type { DiscoveryRequest } from '@rampart/wire/sds';

import type { PackedSecret, SecretQuestion } from './secrets.ts';

export const SECRET_TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

type Response = MessageShape<typeof DiscoveryResponseSchema>;

/**
 * One stream of StreamSecrets (xDS protocol, "state of the world"): each response has every secret that was asked for. A response
 * is sent when another set is asked for, and when what it says has changed; one that is refused is not sent again.
 */
export class SecretStream {
  readonly #log: MeshLog;
  #names: readonly string[] | undefined;
  #isPlain = false;
  #nonce = 0;
  #sent: string | undefined;

  constructor(log: MeshLog) {
    this.#log = log;
  }

  /** Undefined before the first request. */
  get question(): SecretQuestion | undefined {
    if (this.#names === undefined) return undefined;
    return { names: this.#names.length === 0 ? undefined : new Set(this.#names), isPlain: this.#isPlain };
  }

  /** @throws ConnectError InvalidArgument for another kind of resource than secrets. */
  take(request: DiscoveryRequest): void {
    checkType(request.typeUrl);
    if (request.node?.metadata !== undefined) this.#isPlain = wantsPlain(request.node.metadata);
    // An answer to an older response than the last one says nothing about what is wanted now.
    if (request.responseNonce !== '' && request.responseNonce !== String(this.#nonce)) return;
    if (request.errorDetail !== undefined) {
      this.#log.warn('an Envoy refused its secrets', { reason: request.errorDetail.message });
    }
    const names = [...new Set(request.resourceNames.filter((name) => name !== ''))].sort();
    if (this.#names?.join('\n') !== names.join('\n')) this.#sent = undefined;
    this.#names = names;
  }

  /** Undefined when there is nothing to say. */
  next(secrets: ReadonlyMap<string, PackedSecret>): Response | undefined {
    const version = versionOf(secrets);
    if (secrets.size === 0 || version === this.#sent) return undefined;
    this.#sent = version;
    this.#nonce += 1;
    return response(secrets, String(this.#nonce));
  }
}

export function response(secrets: ReadonlyMap<string, PackedSecret>, nonce: string): Response {
  return create(DiscoveryResponseSchema, {
    versionInfo: versionOf(secrets),
    typeUrl: SECRET_TYPE,
    resources: [...secrets.values()].map(({ resource }) => resource),
    nonce,
  });
}

/** @throws ConnectError InvalidArgument */
export function checkType(typeUrl: string): void {
  if (typeUrl === '' || typeUrl === SECRET_TYPE) return;
  throw new ConnectError(`there are secrets here only, and no ${typeUrl}`, Code.InvalidArgument);
}

/** What SPIRE's agent takes for true beside true itself: metadata are often given as text. */
const TRUE: ReadonlySet<unknown> = new Set([true, 'true', 'True', 'TRUE', 't', 'T', '1']);

/** As SPIRE's agent is told it, in the node's metadata. */
export function wantsPlain(metadata: Readonly<Record<string, unknown>>): boolean {
  return TRUE.has(metadata['disable_spiffe_cert_validation']);
}

function versionOf(secrets: ReadonlyMap<string, PackedSecret>): string {
  return [...secrets.values()].map(({ version }) => version).join('.');
}
