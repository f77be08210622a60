import { create } from '@bufbuild/protobuf';
import type { Authority } from '@rampart/authority';
import type { Clock } from '@rampart/core';
import type { TrustBundle } from '@rampart/spiffe';
import { type BundleDocument, BundleDocumentSchema } from '@rampart/wire';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { RegisteredEntries } from './registered-entries.ts';

export interface AgentStateOptions {
  readonly authority: Pick<Authority, 'agents' | 'bundle' | 'isRevoked' | 'revokedSerials'>;
  readonly entries: RegisteredEntries;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
}

/** What agents are told, as it is now. */
export interface AgentState extends AgentStateOptions {
  /** Of this trust domain and those it federates with. The same object while a bundle is the same. */
  bundles(): readonly BundleDocument[];
  /** DER. The same list while it is the same. */
  crls(): readonly Uint8Array[];
}

const NO_CRLS: readonly Uint8Array[] = [];

export function agentStateOf(options: AgentStateOptions): AgentState {
  const documents = new BundleDocuments();
  return {
    ...options,
    bundles: () => [documents.of(options.authority.bundle())],
    crls: () => NO_CRLS,
  };
}

/** Bundles in the form in which agents are told them. */
class BundleDocuments {
  readonly #documents = new Map<string, BundleDocument>();

  of({ trustDomain, roots, sequence }: TrustBundle): BundleDocument {
    const known = this.#documents.get(trustDomain.name);
    if (known !== undefined && known.sequence === BigInt(sequence)) {
      return known;
    }
    const document = create(BundleDocumentSchema, {
      trustDomain: trustDomain.name,
      roots: [...roots],
      sequence: BigInt(sequence),
      jwks: '{"keys":[]}',
    });
    this.#documents.set(trustDomain.name, document);
    return document;
  }
}
