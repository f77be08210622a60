import type { Cursor } from '../cursor.ts';

/** The object a policy is attached to (Gateway API policy attachment, GEP-713). */
export interface TargetRef {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

interface TargetRefFields extends TargetRef {
  readonly namespace: string;
}

const MAX_TARGETS = 16;
const TARGETS: Readonly<Record<string, string>> = {
  Gateway: 'gateway.networking.k8s.io',
  GatewayClass: 'gateway.networking.k8s.io',
  Service: '',
  ServiceEntry: 'networking.istio.io',
};

export function readTargetRefs(at: Cursor): TargetRef[] | undefined {
  const targets = at.list(readTargetRef);
  if (targets === undefined) return undefined;
  const { length } = at.items() ?? [];
  if (length === 0) return at.error('must name at least one target, or be left out');
  return length > MAX_TARGETS ? at.error(`must name at most ${MAX_TARGETS} targets, names ${length}`) : targets;
}

export function readTargetRef(at: Cursor): TargetRef | undefined {
  const fields = at.fields<TargetRefFields>({
    group: (group) => group.textOrEmpty(),
    kind: (kind) => kind.word(Object.keys(TARGETS)),
    name: (name) => name.text(),
    namespace: (namespace) => namespace.textOrEmpty(),
  });
  if (fields === undefined) return undefined;
  const { group = '', kind, name, namespace = '' } = fields;
  for (const required of ['kind', 'name'] as const) {
    if (at.child(required).value === undefined) at.error(`needs a ${required}`);
  }
  if (namespace !== '') at.child('namespace').misplaced('must be left out: a policy targets its own namespace only');
  if (kind === undefined || name === undefined) return undefined;
  const wanted = TARGETS[kind] ?? '';
  const accepted = group === wanted || (wanted === '' && group === 'core');
  return accepted ? { group, kind, name } : at.error(`group of kind ${kind} must be ${JSON.stringify(wanted)}`);
}

/** Notes where a policy picks its workloads in more than one way. */
export function checkTargets(
  at: Cursor,
  fields: { readonly selector?: unknown; readonly targetRef?: unknown; readonly targetRefs?: unknown },
): void {
  const { selector, targetRef, targetRefs } = fields;
  if (targetRef !== undefined && targetRefs !== undefined) {
    at.child('targetRef').misplaced('cannot stand beside targetRefs: put both into targetRefs');
  }
  const target = targetRefs === undefined ? 'targetRef' : 'targetRefs';
  if (selector !== undefined && (targetRef ?? targetRefs) !== undefined) {
    at.child(target).misplaced('cannot stand beside selector: a policy picks its workloads in one way only');
  }
}
