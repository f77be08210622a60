import {
  type Authority,
  type Federation,
  keepJwtKeyRevocations,
  openAuthority,
  type RevocationStore,
} from '@rampart/authority';
import { type Clock, TrustDomain } from '@rampart/core';
import { type Checkpoints, Journal } from '@rampart/journal';
import type { Registry } from '@rampart/registry';
import { AdminTokens } from '../admin/admin-tokens.ts';
import { ApiTokens } from '../admin/api-tokens/api-tokens.ts';
import { RegisteredEntries } from '../agents/registered-entries.ts';
import { ChangeFeed } from '../changes/change-feed.ts';
import { openServices } from '../control/open-services.ts';
import { journalDocuments } from '../doors/documents/journal-documents.ts';
import { createDocumentDesk, type DocumentDesk } from '../doors/documents/public-documents.ts';
import { trustDocuments } from '../doors/documents/trust-documents.ts';
import { keepCheckpoints } from '../ledger/kept-checkpoints.ts';
import { keepRetention } from '../ledger/kept-retention.ts';
import { openRegistryGuard, type RegistryGuard } from '../registry/open-guard.ts';
import { SeenNonces } from '../nonces/seen-nonces.ts';
import { ResourceSet } from '../resources/resource-set.ts';
import { crlDocuments } from '../revocation/crl-keeper.ts';
import { openRevocations } from '../revocation/open-revocations.ts';
import type { Database } from '../storage/database.ts';
import { createAdminTokenStore } from '../storage/stores/admin-token-store.ts';
import { createApiTokenStore } from '../storage/stores/api-token-store.ts';
import { createAuthorityStore } from '../storage/stores/authority-store.ts';
import { createJournalStore } from '../storage/stores/journal-store.ts';
import { createResourceStore } from '../storage/stores/resource-store.ts';
import { createRevisionStore } from '../storage/stores/revision-store.ts';
import { joinTrust } from '../trust/join-trust.ts';
import { openKeys } from '../trust/keys.ts';
import { createOwnTrust, openJwtKeys, type OwnTrust } from '../trust/own-trust.ts';
import { exchangeByHand, openUpstream } from '../trust/upstream.ts';
import { openOwnDatabase } from './own-database.ts';
import type { Start } from './start.ts';

export interface State {
  readonly database: Database;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly authority: Authority;
  readonly acts: RevocationStore;
  readonly trust: OwnTrust;
  readonly federation: Federation;
  readonly registry: Registry;
  /** Who may do what with it. */
  readonly guard: RegistryGuard;
  readonly feed: ChangeFeed;
  readonly resources: ResourceSet;
  readonly tokens: AdminTokens;
  readonly apiTokens: ApiTokens;
  /** What anybody may read. */
  readonly documents: DocumentDesk;
  readonly entries: RegisteredEntries;
  /** Of signed requests; what a control plane before this one saw is not known. */
  readonly seenNonces: SeenNonces;
}

/** Everything that survives a restart. */
export async function openState({ options, teardown, metrics, directory }: Start): Promise<State> {
  const { clock, log, trustDomain, rootNamespace } = options;
  const domain = TrustDomain.of(trustDomain);
  const database = await openOwnDatabase({ directory, teardown }, domain);
  const journal = await openJournal(database, { clock, teardown });
  const seenNonces = new SeenNonces({ clock, isFirst: journal.head.size === 0 });
  const feed = await ChangeFeed.open(createRevisionStore(database));
  const resources = await ResourceSet.open(createResourceStore(database), feed);
  const entries = new RegisteredEntries({ feed, resources: () => resources.all(), trustDomain, rootNamespace });
  const { keys, keyEncryptionKey } = await openKeys({ options, teardown }, directory);
  const shared = { feed, resources, database, journal, clock, log, teardown };
  const jwtSvids = await openJwtKeys({ ...shared, ...options.jwt, trustDomain: domain, keys });
  const { revocationFile, beginRevocationFile } = options;
  const kept = { directory, revocationFile, beginRevocationFile, keyEncryptionKey, trustDomain };
  const revocations = await openRevocations({ ...shared, ...kept });
  const checkpoints = await keepCheckpoints({ ...shared, directory, keys, trustDomain });
  const opened = await openAuthority({
    revocations,
    ...(options.crlUrl === undefined ? {} : { crlUrl: options.crlUrl }),
    trustDomain: domain,
    keys,
    store: createAuthorityStore(database),
    journal,
    clock,
    lifetimes: options.lifetimes,
    upstream: await openUpstream(options.upstream, domain),
    entries,
    jwtSvids,
  });
  if (options.upstream.kind === 'by-hand') {
    // Whoever signs does so for the keys that are there now.
    directory.keep();
    await exchangeByHand(opened, directory.path);
  }
  await keepJwtKeyRevocations(jwtSvids, { desk: opened.revocationDesk, epoch: revocations.epoch });
  const trust = createOwnTrust(opened, jwtSvids, options.jwt.issuer);
  const federation = await joinTrust({ ...shared, ...options.federation, trust });
  const guard = await openRegistryGuard(options, { ...shared, metrics });
  keepRetention({ ...shared, checkpoints, settings: () => guard.policies.current().settings.auditRetention });
  const registry = await openServices(options, { database, guard, authority: opened, keyEncryptionKey, teardown });
  await guard.begin(registry);
  return {
    database,
    journal,
    checkpoints,
    authority: opened,
    acts: revocations.acts,
    trust,
    federation,
    registry,
    guard,
    feed,
    resources,
    tokens: await AdminTokens.open(createAdminTokenStore(database), clock),
    apiTokens: await ApiTokens.open({ store: createApiTokenStore(database), journal, clock }),
    documents: createDocumentDesk([trustDocuments(trust), journalDocuments(checkpoints), crlDocuments(opened)]),
    entries,
    seenNonces,
  };
}

async function openJournal(
  database: Database,
  { clock, teardown }: { readonly clock: Clock; readonly teardown: Start['teardown'] },
): Promise<Journal> {
  const journal = await Journal.open(createJournalStore(database), clock);
  teardown.add('journal', () => journal.settle());
  return journal;
}
