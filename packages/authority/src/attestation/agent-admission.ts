import type { Attestor } from '@rampart/core';

/** Whether an attestor takes those with these selectors for agents. */
export function admitsAgent({ spec: { agents } }: Attestor, selectors: ReadonlySet<string>): boolean {
  return agents?.selectors.every((selector) => selectors.has(selector)) ?? false;
}
