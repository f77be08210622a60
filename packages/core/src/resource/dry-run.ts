import type { Cursor } from './cursor.ts';
import type { Resource } from './resource.ts';

/** Istio's annotation for a policy that is reported on but not enforced. */
export const DRY_RUN_ANNOTATION = 'istio.io/dry-run';

/** The spellings of Go's `strconv.ParseBool`, which Istio reads the annotation with. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

export function isDryRun(resource: Resource): boolean {
  return TRUE.has(annotation(resource) ?? '');
}

/** Dry run exists for AuthorizationPolicies of action ALLOW and DENY only; anything else is refused, never ignored. */
export function checkDryRun(resource: Resource, at: Cursor): void {
  const value = annotation(resource);
  if (value === undefined) return;
  const place = at.child('metadata').child('annotations').child(DRY_RUN_ANNOTATION);
  if (!TRUE.has(value) && !FALSE.has(value)) place.error('must be "true" or "false"');
  else if (resource.kind !== 'AuthorizationPolicy') place.error(`has no meaning for ${resource.kind}: remove it`);
  else if (resource.spec.action !== 'ALLOW' && resource.spec.action !== 'DENY') {
    place.error(`has no meaning for action ${resource.spec.action}: only ALLOW and DENY can be tried out`);
  }
}

function annotation(resource: Resource): string | undefined {
  const { annotations } = resource.metadata;
  return Object.hasOwn(annotations, DRY_RUN_ANNOTATION) ? annotations[DRY_RUN_ANNOTATION] : undefined;
}
