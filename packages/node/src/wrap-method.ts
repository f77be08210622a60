import { RampartError } from '@rampart/core';

/** Calls the method as it was before. */
export type Original = (self: unknown, args: readonly unknown[]) => unknown;

/** Puts `around` in the place of a method of Node's own. What it returns is what the caller gets. */
export function wrapMethod(
  owner: object,
  name: string,
  around: (original: Original, self: unknown, args: readonly unknown[]) => unknown,
): void {
  const method: unknown = Reflect.get(owner, name);
  if (typeof method !== 'function') {
    throw new RampartError('INTERNAL', `BUG: this Node.js has no ${name} to hook; check that its version is supported`);
  }
  const original: Original = (self, args) => Reflect.apply(method, self, args);
  Reflect.set(owner, name, function wrapped(this: unknown, ...args: unknown[]): unknown {
    return around(original, this, args);
  });
}
