import { create } from '@bufbuild/protobuf';
import type { Authority, Federation, PublishedCrl } from '@rampart/authority';
import type { Clock } from '@rampart/core';
import { jwksOf, type TrustBundle } from '@rampart/spiffe';
import { type BundleDocument, BundleDocumentSchema } from '@rampart/wire';
import type { AgentNetworks } from '@rampart/registry';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { OwnTrust } from '../trust/own-trust.ts';
import type { HostChecks } from './host-checks.ts';
import type { RegisteredEntries } from './registered-entries.ts';

export interface AgentStateOptions {
  readonly authority: Pick<Authority, 'agents' | 'crls' | 'hierarchy' | 'revocations'>;
  readonly trust: Pick<OwnTrust, 'bundle'>;
  readonly federation: Pick<Federation, 'bundles'>;
  readonly entries: RegisteredEntries;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  /** Checks that agents run. */
  readonly hostChecks: HostChecks;
  /** What operators say of where hosts are, now. The same object while it is the same. */
  networks(): AgentNetworks;
}

/** What agents are told, as it is now. */
export interface AgentState extends AgentStateOptions {
  /** Of this trust domain and those it federates with. The same object while a bundle is the same. */
  bundles(): readonly BundleDocument[];
  /** DER. The same list while it is the same. */
  crls(): readonly Uint8Array[];
}

export function agentStateOf(options: AgentStateOptions): AgentState {
  const documents = new WeakMap<TrustBundle, BundleDocument>();
  const lists = new WeakMap<readonly PublishedCrl[], readonly Uint8Array[]>();
  return {
    ...options,
    bundles: () =>
      [options.trust.bundle(), ...options.federation.bundles()].map((bundle) => {
        const document = documents.get(bundle) ?? documentOf(bundle);
        documents.set(bundle, document);
        return document;
      }),
    crls: () => {
      const published = options.authority.crls.current();
      const ders = lists.get(published) ?? published.map(({ der }) => der);
      lists.set(published, ders);
      return ders;
    },
  };
}

/** The form in which agents are told a bundle. */
function documentOf(bundle: TrustBundle): BundleDocument {
  return create(BundleDocumentSchema, {
    trustDomain: bundle.trustDomain.name,
    roots: [...bundle.roots],
    sequence: BigInt(bundle.sequence),
    jwks: JSON.stringify(jwksOf(bundle)),
    refreshHintSeconds: bundle.refreshHintSeconds ?? 0,
  });
}
