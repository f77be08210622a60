import { create } from '@bufbuild/protobuf';
import { workloadOfEntry } from '@rampart/authority';
import { qualifiedName, RampartError, type RegistrationEntry } from '@rampart/core';
import type { AgentNetworks, SpeakingAgent } from '@rampart/registry';
import { type BundleDocument, type Entry, EntrySchema, type SyncUpdate, SyncUpdateSchema } from '@rampart/wire';
import { reasonNumber } from '@rampart/spiffe';
import { ruleMessage } from '../revocation/messages.ts';
import type { Holder } from '../doors/peer.ts';
import type { AgentState } from './agent-state.ts';
import { CheckChanges } from './check-changes.ts';

/** The longest an agent hears nothing. */
const HEARTBEAT_MS = 3000;

/** One agent that listens: it is told everything, and then each time what is different from what it was told. */
export class AgentSync {
  readonly agent: Holder;
  readonly #address: string;
  readonly #checks: CheckChanges;
  /** SPIFFE IDs that it hands out. */
  #identities: ReadonlySet<string> = new Set();
  readonly #state: AgentState;
  /** Revision by id. */
  readonly #entries = new Map<string, number>();
  readonly #bundles = new Map<string, BundleDocument>();
  readonly #revoked = new Set<string>();
  /** How many rules it was told; they are never taken back. */
  #rules = 0;
  readonly #tainted = new Set<string>();
  #mustRotate: boolean;
  #wake: () => void = () => undefined;
  #crls: readonly Uint8Array[] = [];
  #version = -1;
  #networks: AgentNetworks | undefined;
  /** When the next entry ends, Unix milliseconds. */
  #nextEnd = 0;
  #isFirst = true;

  /** @param address Where its connection comes from. */
  constructor(state: AgentState, agent: Holder, address: string) {
    this.#state = state;
    this.agent = agent;
    this.#address = address;
    this.#checks = new CheckChanges(state.hostChecks);
    this.#mustRotate = agent.issuerSerials.some((serial) => state.authority.hierarchy.isTainted(serial));
  }

  /** The agent is to renew its own certificate now. */
  rotate(): void {
    this.#mustRotate = true;
    this.wake();
  }

  /** Something may be new. */
  wake(): void {
    this.#wake();
  }

  /** Until the caller ends it, or the agent's certificate does. Throws CERTIFICATE_REVOKED, INVALID_CERTIFICATE. */
  async *updates(signal: AbortSignal): AsyncGenerator<SyncUpdate> {
    const networks = (): SpeakingAgent['networks'] => this.#state.networks().of(this.agent.id);
    const forget = this.#state.hostChecks.onChange({ address: this.#address, networks }, () => {
      this.#checks.changed();
      this.wake();
    });
    try {
      while (!signal.aborted) {
        this.#checkAgent();
        const update = this.#next();
        if (update !== undefined) {
          yield update;
        } else if (await this.#isQuiet(signal)) {
          yield create(SyncUpdateSchema, { heartbeat: true });
        }
      }
    } finally {
      forget();
    }
  }

  #checkAgent(): void {
    const { authority, clock } = this.#state;
    const { id, certificate, notAfter } = this.agent;
    const revocation = authority.revocations.of(certificate);
    if (revocation !== undefined) throw new RampartError('CERTIFICATE_REVOKED', revocation);
    if (clock.now() >= notAfter) {
      throw new RampartError(
        'INVALID_CERTIFICATE',
        `the certificate of ${id.toString()} ended: renew it and sync again`,
      );
    }
  }

  /** Undefined when there is nothing to tell. */
  #next(): SyncUpdate | undefined {
    const update = create(SyncUpdateSchema, {
      revision: BigInt(this.#state.feed.revision),
      reset: this.#isFirst,
      ...this.#entryChanges(),
      ...this.#bundleChanges(),
      crls: this.#newCrls(),
      ...this.#newlyRevoked(),
      ...this.#newlyTainted(),
      ...this.#checks.next(this.#speaker()),
    });
    const says =
      this.#isFirst ||
      update.entries.length > 0 ||
      update.removedEntryIds.length > 0 ||
      update.bundles.length > 0 ||
      update.removedBundles.length > 0 ||
      update.crls.length > 0 ||
      update.revokedSerials.length > 0 ||
      update.revocationRules.length > 0 ||
      update.rotate ||
      update.checked.length > 0 ||
      update.uncheckedInstanceIds.length > 0 ||
      update.taintedKeyIds.length > 0;
    this.#isFirst = false;
    return says ? update : undefined;
  }

  #speaker(): SpeakingAgent {
    const { id } = this.agent;
    const networks = this.#state.networks();
    if (networks !== this.#networks) {
      this.#networks = networks;
      this.#checks.changed();
    }
    const handsOut = (spiffeId: string): boolean => this.#identities.has(spiffeId);
    return { id, address: this.#address, networks: networks.of(id), handsOut };
  }

  #entryChanges(): { entries: Entry[]; removedEntryIds: string[] } {
    const { entries: source, authority, clock } = this.#state;
    const { version } = source;
    if (version === this.#version && clock.now() < this.#nextEnd) {
      return { entries: [], removedEntryIds: [] };
    }
    this.#version = version;
    const present = authority.agents.entriesOf(this.agent.id);
    this.#nextEnd = present.reduce((end, { spec }) => Math.min(end, spec.expiresAt ?? Infinity), Infinity);
    this.#identities = new Set(present.map(({ spec }) => spec.spiffeId));
    this.#checks.changed();
    const ids = new Set(present.map(qualifiedName));
    const removedEntryIds = [...this.#entries.keys()].filter((id) => !ids.has(id));
    for (const id of removedEntryIds) {
      this.#entries.delete(id);
    }
    const entries = present.flatMap((entry) => {
      const id = qualifiedName(entry);
      const revision = source.revisionOf(id);
      if (this.#entries.get(id) === revision) {
        return [];
      }
      this.#entries.set(id, revision);
      return [entryMessage(entry, { id, revision })];
    });
    return { entries, removedEntryIds };
  }

  #bundleChanges(): { bundles: BundleDocument[]; removedBundles: string[] } {
    const present = this.#state.bundles();
    const domains = new Set(present.map(({ trustDomain }) => trustDomain));
    const removedBundles = [...this.#bundles.keys()].filter((domain) => !domains.has(domain));
    for (const domain of removedBundles) {
      this.#bundles.delete(domain);
    }
    const bundles = present.filter((bundle) => this.#bundles.get(bundle.trustDomain) !== bundle);
    for (const bundle of bundles) {
      this.#bundles.set(bundle.trustDomain, bundle);
    }
    return { bundles, removedBundles };
  }

  #newCrls(): Uint8Array[] {
    const crls = this.#state.crls();
    if (crls === this.#crls) {
      return [];
    }
    this.#crls = crls;
    return [...crls];
  }

  #newlyRevoked(): Pick<SyncUpdate, 'revokedSerials' | 'revocationReasons' | 'revocationRules'> {
    const { revocations } = this.#state.authority;
    const revoked = revocations.revokedSerials().filter(({ serial }) => !this.#revoked.has(serial));
    for (const { serial } of revoked) {
      this.#revoked.add(serial);
    }
    const rules = revocations.rules().slice(this.#rules);
    this.#rules += rules.length;
    return {
      revokedSerials: revoked.map(({ serial }) => serial),
      revocationReasons: revoked.map(({ reason }) => reasonNumber(reason)),
      revocationRules: rules.map(ruleMessage),
    };
  }

  #newlyTainted(): Pick<SyncUpdate, 'rotate' | 'taintedKeyIds'> {
    const rotate = this.#mustRotate;
    this.#mustRotate = false;
    const tainted = this.#state.authority.hierarchy.taintedKeyIds().filter((keyId) => !this.#tainted.has(keyId));
    for (const keyId of tainted) {
      this.#tainted.add(keyId);
    }
    return { rotate, taintedKeyIds: tainted.map((keyId) => Buffer.from(keyId, 'hex')) };
  }

  /** Waits for a change; true when none came for as long as an agent may hear nothing. */
  #isQuiet(signal: AbortSignal): Promise<boolean> {
    const { feed, clock } = this.#state;
    const quietMs = Math.max(1, Math.min(HEARTBEAT_MS, this.agent.notAfter - clock.now()));
    return new Promise((resolve) => {
      const settle = (quiet: boolean): void => {
        timer.cancel();
        forget();
        signal.removeEventListener('abort', ended);
        this.#wake = () => undefined;
        resolve(quiet);
      };
      const ended = (): void => settle(false);
      this.#wake = ended;
      const timer = clock.after(quietMs, () => settle(true));
      const forget = feed.watch(() => settle(false));
      signal.addEventListener('abort', ended);
    });
  }
}

function entryMessage(
  entry: RegistrationEntry,
  { id, revision }: { readonly id: string; readonly revision: number },
): Entry {
  const { spec } = entry;
  const workload = workloadOfEntry(entry);
  return create(EntrySchema, {
    id,
    revision: BigInt(revision),
    spiffeId: spec.spiffeId,
    selectors: [...spec.selectors],
    ...(workload === undefined ? {} : { workload: { ...workload, labels: { ...workload.labels } } }),
    dnsNames: [...(spec.dnsNames ?? [])],
    x509TtlSeconds: (spec.x509SvidTtlMs ?? 0) / 1000,
    jwtTtlSeconds: (spec.jwtSvidTtlMs ?? 0) / 1000,
    federatesWith: [...(spec.federatesWith ?? [])],
    hint: spec.hint ?? '',
    admin: spec.admin ?? false,
    expiresAt: BigInt(spec.expiresAt ?? 0),
  });
}
