/** What a JSON value may ask of its reader. */
export interface SizeLimits {
  /** Nesting of lists and objects. */
  readonly depth: number;
  /** Values in it, itself included. */
  readonly values: number;
}

/** Why a value is too large to be read; undefined when it is not. Ends for values that hold themselves, too. */
export function oversize(json: unknown, { depth, values }: SizeLimits): string | undefined {
  let left = values;
  let level: object[] = isStructure(json) ? [json] : [];
  for (let deep = 1; level.length > 0; deep += 1) {
    if (deep > depth) return `is nested more than ${depth} levels deep`;
    const next: object[] = [];
    for (const structure of level) {
      for (const child of Object.values(structure) as unknown[]) {
        left -= 1;
        if (left <= 0) return `holds more than ${values} values`;
        if (isStructure(child)) next.push(child);
      }
    }
    level = next;
  }
  return undefined;
}

function isStructure(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
