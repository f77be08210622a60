import type { Cursor } from './cursor.ts';

/** A Namespace says all it has to say in its metadata. */
export type NamespaceSpec = Readonly<Record<string, never>>;

interface NamespaceFields {
  /** Written by Kubernetes into every namespace. */
  readonly finalizers: true;
}

export function readNamespaceSpec(at: Cursor): NamespaceSpec | undefined {
  return at.fields<NamespaceFields>({ finalizers: () => true }) === undefined ? undefined : {};
}
