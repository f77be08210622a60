/** When an entry was recorded, as its body says; undefined where it says nothing. */
export function timeIn(body: string): number | undefined {
  try {
    const { timestamp } = JSON.parse(body) as { readonly timestamp?: unknown };
    const time = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined;
  }
}
