import type { SigningRule } from '@rampart/core';

/** What callers are asked to sign, by service. */
export class SigningRules {
  #all: readonly SigningRule[] = [];
  #components = new Map<string, readonly string[]>();

  get all(): readonly SigningRule[] {
    return this.#all;
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** What is to be covered of requests to a host, as `serviceHost` writes it; undefined where nobody asks for a signature. */
  componentsOf(host: string): readonly string[] | undefined {
    return this.#components.get(host);
  }

  replace(rules: readonly SigningRule[]): void {
    this.#all = rules;
    this.#components = new Map();
    for (const { hosts, components } of rules) {
      for (const host of hosts)
        this.#components.set(host, [...new Set([...(this.#components.get(host) ?? []), ...components])]);
    }
  }
}
