import type { Resource } from '../../resource/resource.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';

/** An error is wrong whatever was meant; a warning is risky or has no effect; an info is worth knowing. */
export type Severity = 'error' | 'warning' | 'info';

/** One thing that `rampart analyze` looks for. */
export interface Lint {
  /** "RAMP1001"; never used for anything else again. */
  readonly code: string;
  /** "permissive-in-production". */
  readonly name: string;
  readonly severity: Severity;
  /** What it finds, in one line. */
  readonly title: string;
  readonly find: (mesh: AnalyzedMesh) => Outcome;
}

/** What a lint found, or why it could not look. */
export type Outcome = readonly Sighting[] | { readonly notChecked: string };

/** One place where a lint's trouble is. */
export interface Sighting {
  /** What is wrong and what to do. */
  readonly message: string;
  /** Undefined for what is about no resource, such as a service without any. */
  readonly resource?: Resource;
  /** "spec.rules[0].from[0].source"; "" for the whole resource. */
  readonly field?: string;
}

/** A sighting with what its lint says of it. */
export interface Finding {
  readonly code: string;
  readonly name: string;
  readonly severity: Severity;
  readonly message: string;
  readonly resource: Resource | undefined;
  readonly field: string;
}

/** A lint that could not look, and why. */
export interface UncheckedLint {
  readonly code: string;
  readonly name: string;
  readonly reason: string;
}
