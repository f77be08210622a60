/** What became of one part of a seed document. */
export interface SeedVerdict {
  readonly status: 'accepted' | 'prose' | 'refused' | 'pending';
  /** What it is; for a pending part the capability that is not built yet, for a refused one what was wrong. */
  readonly note: string;
}

export function accepted(note: string): SeedVerdict {
  return { status: 'accepted', note };
}

export function prose(note: string): SeedVerdict {
  return { status: 'prose', note };
}

export function refused(note: string): SeedVerdict {
  return { status: 'refused', note };
}

export function pending(capability: string): SeedVerdict {
  return { status: 'pending', note: capability };
}
