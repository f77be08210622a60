import type { KeySet } from './key-set.ts';

/** Where the keys of one issuer come from. */
export interface KeySource {
  /** The keys at hand; undefined while there are none. */
  current(): KeySet | undefined;
  /** Newer keys if they can be had now, else those at hand. Never rejects. */
  refreshed(): Promise<KeySet | undefined>;
  stop(): void;
}

/** Keys that stand in the policy. */
export function inlineKeys(keys: KeySet | undefined): KeySource {
  return { current: () => keys, refreshed: () => Promise.resolve(keys), stop: () => undefined };
}
