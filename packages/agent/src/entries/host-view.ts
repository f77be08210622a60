import { TrustDomain } from '@rampart/core';
import type { Clock, Timer } from '@rampart/core';
import { readRevocationRule } from '@rampart/mesh';
import type { MeshLog } from '@rampart/mesh';
import { describeRule, parseBundleJson, RevocationRuleSet } from '@rampart/spiffe';
import type { RevocableCertificate, RevocableToken, TrustBundle } from '@rampart/spiffe';
import type { BundleDocument, SyncUpdate } from '@rampart/wire/agent';

import type { ChangeSignal } from '../change-signal.ts';
import { readEntry } from './host-entry.ts';
import type { HostEntry } from './host-entry.ts';

export interface HostViewOptions {
  readonly changes: ChangeSignal;
  readonly clock: Clock;
  readonly log: MeshLog;
}

/** What the control plane last said this host may hand out. Kept while the control plane is away. */
export class HostView {
  readonly #options: HostViewOptions;
  #entries = new Map<string, HostEntry>();
  /** By the first selector of each; undefined when they have changed since. */
  #bySelector: ReadonlyMap<string, readonly HostEntry[]> | undefined;
  #bundles = new Map<string, TrustBundle>();
  #revoked = new Set<string>();
  readonly #rules = new RevocationRuleSet();
  /** Key identifiers of authorities, hex. */
  #tainted = new Set<string>();
  #crls: readonly Uint8Array[] = [];
  #trustDomain: TrustDomain | undefined;
  #nextEnd: Timer | undefined;

  constructor(options: HostViewOptions) {
    this.#options = options;
  }

  /** The agent's own trust domain; undefined until the first update was taken. */
  get trustDomain(): TrustDomain | undefined {
    return this.#trustDomain;
  }

  /** DER. The same list while it is the same. */
  get crls(): readonly Uint8Array[] {
    return this.#crls;
  }

  /** Takes an update of a control plane of `trustDomain`. */
  apply(update: SyncUpdate, trustDomain: TrustDomain): void {
    if (update.reset) {
      this.#entries = new Map();
      this.#bundles = new Map();
      this.#revoked = new Set();
      this.#rules.clear();
      this.#tainted = new Set();
      this.#crls = [];
    }
    this.#bySelector = undefined;
    for (const id of update.removedEntryIds) this.#entries.delete(id);
    for (const entry of update.entries) {
      const read = readEntry(entry, trustDomain);
      if (read.ok) this.#entries.set(entry.id, read.value);
      else {
        this.#entries.delete(entry.id);
        this.#options.log.warn('nobody gets an entry that cannot be used', { entry: entry.id, problem: read.problem });
      }
    }
    for (const domain of update.removedBundles) this.#bundles.delete(domain);
    for (const document of update.bundles) this.#takeBundle(document);
    for (const serial of update.revokedSerials) this.#revoked.add(serial);
    for (const rule of update.revocationRules) this.#rules.add(readRevocationRule(rule));
    for (const keyId of update.taintedKeyIds) this.#tainted.add(hex(keyId));
    if (update.crls.length > 0) this.#crls = update.crls;
    this.#trustDomain = trustDomain;
    this.#changed();
  }

  stop(): void {
    this.#nextEnd?.cancel();
  }

  /** Entries of a workload of which these selectors are true, in an order that stays: by id. */
  entriesFor(selectors: ReadonlySet<string>): readonly HostEntry[] {
    this.#bySelector ??= Map.groupBy(this.#entries.values(), (entry) => entry.selectors[0] ?? '');
    const index = this.#bySelector;
    return [...selectors]
      .flatMap((selector) => index.get(selector) ?? [])
      .filter((entry) => this.#isInForce(entry) && entry.selectors.every((selector) => selectors.has(selector)))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Undefined once the entry is gone or has ended. */
  entry(id: string): HostEntry | undefined {
    const entry = this.#entries.get(id);
    return entry !== undefined && this.#isInForce(entry) ? entry : undefined;
  }

  bundle(trustDomain: string): TrustBundle | undefined {
    return this.#bundles.get(trustDomain);
  }

  isRevoked(certificate: RevocableCertificate): boolean {
    return this.revocationOf(certificate) !== undefined;
  }

  /** Why a certificate is revoked; undefined when it is not. */
  revocationOf(certificate: RevocableCertificate): string | undefined {
    if (this.#revoked.has(certificate.serial)) return `certificate ${certificate.serial}`;
    const rule = this.#rules.ofCertificate(certificate);
    return rule === undefined ? undefined : describeRule(rule);
  }

  /** It is good, and to be replaced now: what signed it is not to be trusted much longer. */
  isTainted({ authorityKeyId }: Pick<RevocableCertificate, 'authorityKeyId'>): boolean {
    return authorityKeyId !== undefined && this.#tainted.has(hex(authorityKeyId));
  }

  isTokenRevoked(token: RevocableToken): boolean {
    return this.#rules.ofToken(token) !== undefined;
  }

  /** Entries end by themselves, also while the control plane is away. */
  #changed(): void {
    const { changes, clock } = this.#options;
    changes.notify();
    this.#nextEnd?.cancel();
    const ends = [...this.#entries.values()].flatMap(({ expiresAt = 0 }) =>
      expiresAt > clock.now() ? [expiresAt] : [],
    );
    if (ends.length === 0) return;
    this.#nextEnd = clock.after(Math.min(...ends) - clock.now(), () => this.#changed());
  }

  #isInForce({ expiresAt }: HostEntry): boolean {
    return expiresAt === undefined || this.#options.clock.now() < expiresAt;
  }

  #takeBundle({ trustDomain, roots, jwks, sequence, refreshHintSeconds }: BundleDocument): void {
    const domain = TrustDomain.parse(trustDomain);
    const keys = domain.ok ? parseBundleJson(domain.value, jwks) : domain;
    if (!domain.ok || !keys.ok) {
      this.#bundles.delete(trustDomain);
      const { problem } = keys.ok ? { problem: 'its name is no trust domain' } : keys;
      this.#options.log.error('a trust bundle cannot be read: its domain is not trusted', { trustDomain, problem });
      return;
    }
    this.#bundles.set(trustDomain, {
      trustDomain: domain.value,
      roots,
      jwtAuthorities: keys.value.jwtAuthorities,
      sequence: Number(sequence),
      ...(refreshHintSeconds === 0 ? {} : { refreshHintSeconds }),
    });
  }
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
