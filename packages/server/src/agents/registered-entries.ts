import type { EntrySource } from '@rampart/authority';
import { type Attestor, qualifiedName, type RegistrationEntry, type SpiffeId } from '@rampart/core';
import type { Change } from '../changes/change.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { HeldResource } from '../resources/resource-set.ts';
import { type IssuingRules, unissuable } from '../resources/issuability.ts';

export interface RegisteredEntriesOptions extends IssuingRules {
  readonly feed: ChangeFeed;
  resources(): readonly HeldResource[];
}

interface Registered {
  readonly entries: readonly RegistrationEntry[];
  readonly attestors: readonly Attestor[];
  readonly byId: ReadonlyMap<string, HeldResource>;
  /** When it ends, by SPIFFE ID. */
  readonly administrators: ReadonlyMap<string, number>;
}

const NOTHING: Registered = { entries: [], attestors: [], byId: new Map(), administrators: new Map() };

/** The registration entries and attestors among the resources, listed again only when one of them has changed. */
export class RegisteredEntries implements EntrySource {
  readonly #options: RegisteredEntriesOptions;
  #of = -1;
  #version = 0;
  #registered = NOTHING;

  constructor(options: RegisteredEntriesOptions) {
    this.#options = options;
  }

  entries(): readonly RegistrationEntry[] {
    return this.#current().entries;
  }

  entry(id: string): RegistrationEntry | undefined {
    const resource = this.#current().byId.get(id)?.resource;
    return resource?.kind === 'RegistrationEntry' ? resource : undefined;
  }

  attestors(): readonly Attestor[] {
    return this.#current().attestors;
  }

  /** Whether an entry in force makes whoever holds an identity an administrator of the mesh. */
  isAdministrator(id: SpiffeId, now: number): boolean {
    const ends = this.#current().administrators.get(id.toString());
    return ends !== undefined && now < ends;
  }

  /** Another number after each change of them. */
  get version(): number {
    this.#current();
    return this.#version;
  }

  /** From which an entry has the form it has now. */
  revisionOf(id: string): number {
    return this.#current().byId.get(id)?.revision ?? 0;
  }

  #current(): Registered {
    const { feed } = this.#options;
    if (this.#of !== feed.revision) {
      const changes = feed.resourcesSince(this.#of);
      this.#of = feed.revision;
      if (changes === 'compacted' || changes.some(isRegistration)) {
        this.#registered = this.#list();
        this.#version += 1;
      }
    }
    return this.#registered;
  }

  #list(): Registered {
    const entries: RegistrationEntry[] = [];
    const attestors: Attestor[] = [];
    const byId = new Map<string, HeldResource>();
    const administrators = new Map<string, number>();
    for (const held of this.#options.resources()) {
      const { resource } = held;
      // What an older version or a restored directory brought along gives nothing out, as if it were not there.
      if (unissuable(resource, this.#options).length > 0) {
        continue;
      }
      if (resource.kind === 'RegistrationEntry') {
        entries.push(resource);
        byId.set(qualifiedName(resource), held);
        const { spiffeId, admin = false, expiresAt = Infinity } = resource.spec;
        if (admin) {
          administrators.set(spiffeId, Math.max(expiresAt, administrators.get(spiffeId) ?? 0));
        }
      } else if (resource.kind === 'Attestor') {
        attestors.push(resource);
      }
    }
    return { entries, attestors, byId, administrators };
  }
}

function isRegistration(change: Change): boolean {
  return change.kind === 'resource' && /^(?:RegistrationEntry|Attestor)\//.test(change.key);
}
