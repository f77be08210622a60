let loading: Promise<typeof import('./jose.ts')> | undefined;

/** The library that verifies signatures, loaded at first use: a workload that verifies no token never holds it. */
export function loadJose(): Promise<typeof import('./jose.ts')> {
  loading ??= import('./jose.ts');
  return loading;
}
