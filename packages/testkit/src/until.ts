const STEP_MS = 5;
const PATIENCE_MS = 15_000;

/** Waits until `condition` gives a value other than undefined or false; fails with `what` when it never does. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  patienceMs: number = PATIENCE_MS,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (isThere(value)) return value;
    if (performance.now() > end) throw new Error(`waited ${patienceMs} ms in vain for: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, STEP_MS);
    });
  }
}

function isThere<T>(value: T): value is Exclude<T, undefined | false> {
  return value !== undefined && value !== false;
}

/** How a promise ended, as a value. */
export async function settled<T>(promise: Promise<T>): Promise<{ readonly value: T } | { readonly error: Error }> {
  try {
    return { value: await promise };
  } catch (cause) {
    return { error: cause instanceof Error ? cause : new Error(String(cause)) };
  }
}
