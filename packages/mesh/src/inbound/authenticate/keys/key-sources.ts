import type { Clock, Random } from '@rampart/core';

import type { MeshLog } from '../../../log.ts';
import { discoverKeySet } from './discovery.ts';
import type { FetchDocument } from './document.ts';
import { KeySet } from './key-set.ts';
import { loadJose } from './load-jose.ts';
import { inlineKeys } from './key-source.ts';
import type { KeySource } from './key-source.ts';
import { RemoteKeys } from './remote-keys.ts';

export interface KeySourcesOptions {
  readonly fetch: FetchDocument;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
}

/** What a policy says of an issuer's keys: a set, where to get it, or neither, which means discovery. */
export interface KeysOfIssuer {
  readonly issuer: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
  readonly timeoutMs: number;
}

/** The key sources of this workload, each shared by all rules that name it, and kept when policies change around it. */
export class KeySources {
  readonly #options: KeySourcesOptions;
  #sources = new Map<string, KeySource>();

  constructor(options: KeySourcesOptions) {
    this.#options = options;
  }

  /** The sources of a new set of rules, in their order; those that no rule names any more come to rest. */
  adopt(rules: readonly KeysOfIssuer[]): readonly KeySource[] {
    if (rules.length > 0) void loadJose();
    const adopted = new Map<string, KeySource>();
    const sources = rules.map((rule) => {
      const name = nameOf(rule);
      const source = adopted.get(name) ?? this.#sources.get(name) ?? this.#open(rule);
      adopted.set(name, source);
      return source;
    });
    for (const [name, source] of this.#sources) if (!adopted.has(name)) source.stop();
    this.#sources = adopted;
    return sources;
  }

  #open({ issuer, jwks, jwksUri, timeoutMs }: KeysOfIssuer): KeySource {
    const { fetch, clock, random, log } = this.#options;
    if (jwks !== undefined) {
      const keys = KeySet.parse(jwks, { secrets: true });
      if (!keys.ok) log.error('the keys of a token issuer cannot be used', { issuer, problem: keys.problem });
      return inlineKeys(keys.ok ? keys.value : undefined);
    }
    const source = new RemoteKeys({
      name: jwksUri ?? issuer,
      fetch: async () =>
        jwksUri === undefined ? discoverKeySet(issuer, fetch, timeoutMs) : fetch(new URL(jwksUri), { timeoutMs }),
      clock,
      random,
      log,
    });
    void source.refreshed();
    return source;
  }
}

function nameOf({ issuer, jwks, jwksUri, timeoutMs }: KeysOfIssuer): string {
  if (jwks !== undefined) return `inline ${jwks}`;
  return jwksUri === undefined ? `issuer ${timeoutMs} ${issuer}` : `url ${timeoutMs} ${jwksUri}`;
}
