import { AnalyzedMesh, type AnalyzedMeshParts } from './analyzed-mesh.ts';
import type { Finding, Lint, Sighting, UncheckedLint } from './lint.ts';
import { LINTS } from './lints.ts';

/** Annotation that silences lints for one resource: their codes or names, with commas between. */
export const IGNORE_ANNOTATION = 'rampart.dev/ignore';

export interface Analysis {
  /** By resource and place. */
  readonly findings: readonly Finding[];
  /** What could not be looked at, and why. */
  readonly unchecked: readonly UncheckedLint[];
}

/** Looks for everything in the table of lints. `ignored` holds codes or names of lints to leave out. */
export function analyze(parts: AnalyzedMeshParts, ignored: readonly string[] = []): Analysis {
  const mesh = new AnalyzedMesh(parts);
  const findings: Finding[] = [];
  const unchecked: UncheckedLint[] = [];
  for (const lint of LINTS) {
    if (names(lint, ignored)) continue;
    const outcome = lint.find(mesh);
    if ('notChecked' in outcome) unchecked.push({ code: lint.code, name: lint.name, reason: outcome.notChecked });
    else findings.push(...outcome.filter((sighting) => !isSilenced(lint, sighting)).map((one) => findingOf(lint, one)));
  }
  return { findings, unchecked };
}

function findingOf({ code, name, severity }: Lint, { message, resource, field = '' }: Sighting): Finding {
  return { code, name, severity, message, resource, field };
}

function isSilenced(lint: Lint, { resource }: Sighting): boolean {
  const { annotations = {} } = resource?.metadata ?? {};
  const text = Object.hasOwn(annotations, IGNORE_ANNOTATION) ? annotations[IGNORE_ANNOTATION] : undefined;
  return (
    text !== undefined &&
    names(
      lint,
      text.split(',').map((word) => word.trim()),
    )
  );
}

function names({ code, name }: Lint, words: readonly string[]): boolean {
  return words.includes(code) || words.includes(name);
}
