import type { WorkloadRef } from '../policy/selection.ts';
import type { Verdict } from '../policy/verdict.ts';
import { toDocument } from '../resource/canonical.ts';
import { type Resource, resourceKey } from '../resource/resource.ts';
import type { PolicyUnknown } from './replay/bounds.ts';
import { NetworkSide } from './replay/network.ts';
import { type ReplayReport, ReplayTally } from './replay/report.ts';
import { type ComparedSets, type Judgement, portOf, type Side, Target } from './replay/target.ts';
import { type CountedRequest, namespaceOf, type RecordedRequest } from './replay/traffic.ts';

export interface ReplayOptions {
  /** In force now. */
  readonly live: readonly Resource[];
  /** Everything that would be in force. */
  readonly candidate: readonly Resource[];
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /**
   * Labels of the workloads that a request may have reached, different ones only once; none when they are not known.
   * `instance` is "ip:port"; "" for any.
   */
  labelsOf(principal: string, instance: string): readonly Readonly<Record<string, string>>[];
  /** Labels of everybody who may have called with an identity, different ones only once; none when they are not known. */
  callerLabelsOf(principal: string): readonly Readonly<Record<string, string>>[];
}

/** Longest path that an access log keeps whole (UTF-16 code units); what is longer is cut. */
const LONGEST_PATH = 8190;
const NAMED_UNKNOWNS = 3;

/**
 * Judges requests on record by a candidate, and says which of them would be decided differently than by what is in force.
 * What depends on something that records do not hold is counted apart, never guessed.
 */
export class Replay {
  readonly #options: ReplayOptions;
  readonly #sets: ComparedSets;
  readonly #tally = new ReplayTally();
  readonly #targets = new Map<string, readonly Target[]>();
  constructor(options: ReplayOptions) {
    this.#options = options;
    const { live, candidate, rootNamespace, trustDomain } = options;
    const steady = steadyKeys(live, candidate);
    const names = { rootNamespace, trustDomain };
    this.#sets = {
      ...names,
      live,
      candidate,
      steady,
      networks: {
        live: new NetworkSide({ ...names, resources: live }),
        candidate: new NetworkSide({ ...names, resources: candidate }),
      },
      isNetworkSteady: [...live, ...candidate].every(
        (resource) => resource.kind !== 'NetworkPolicy' || steady.has(resourceKey(resource)),
      ),
      callerLabelsOf: (principal) => options.callerLabelsOf(principal),
    };
  }

  judge({ request, count }: CountedRequest): void {
    const reason = this.#unjudgeable(request);
    if (reason !== undefined) {
      this.#tally.unknown(request, count, reason);
      return;
    }
    const after = this.#judgeOn('candidate', request);
    const before = request.isCurrent ? request.decision : this.#judgeOn('live', request);
    if ('unknowns' in after) this.#tally.unknown(request, count, describe(after.unknowns));
    else if (typeof before === 'object' && 'unknowns' in before)
      this.#tally.unknown(request, count, `${describe(before.unknowns)}, and policies have changed since`);
    else
      this.#compare({ request, count }, typeof before === 'object' ? before.verdict.decision : before, after.verdict);
  }

  report(): ReplayReport {
    return this.#tally.report();
  }

  #compare({ request, count }: CountedRequest, from: Verdict['decision'], verdict: Verdict): void {
    if (from === verdict.decision) {
      this.#tally.unchanged(count);
      return;
    }
    const before = this.#judgeOn('live', request);
    const isKnown = 'verdict' in before && before.verdict.decision === from;
    this.#tally.changed(request, count, { from, verdict, oldPolicy: isKnown ? before.verdict.policy : '' });
  }

  #unjudgeable(request: RecordedRequest): string | undefined {
    const { destination, instance, method, path } = request;
    if (workloadOf(destination) === undefined) return 'records do not say which workload was called';
    if (method === '' || path === '') return 'it was no HTTP request';
    if (path.length >= LONGEST_PATH) return 'the path is too long to be on record as a whole';
    if (portOf(instance) === 0) return 'records do not say which port was called';
    if (this.#targetsOf(request).length === 0) return 'labels of the called workload are not known';
    return undefined;
  }

  /** The decision of every workload the request may have reached; unknown where they differ. */
  #judgeOn(side: Side, request: RecordedRequest): Judgement {
    let agreed: Verdict | undefined;
    for (const target of this.#targetsOf(request)) {
      const judgement = target.judge(side, request);
      if ('unknowns' in judgement) return judgement;
      if (agreed !== undefined && agreed.decision !== judgement.verdict.decision)
        return { unknowns: [DIFFERENT_LABELS] };
      agreed ??= judgement.verdict;
    }
    return agreed === undefined ? { unknowns: [] } : { verdict: agreed };
  }

  #targetsOf({ destination, instance }: RecordedRequest): readonly Target[] {
    const key = `${destination}\n${instance}`;
    let targets = this.#targets.get(key);
    if (targets === undefined) {
      const workload = workloadOf(destination);
      const labels = workload === undefined ? [] : this.#labelsOf(destination, instance);
      targets = labels.map((each) => new Target({ ...NOBODY, ...workload, labels: each }, this.#sets));
      this.#targets.set(key, targets);
    }
    return targets;
  }

  /** Where no policy selects by labels, they do not matter. */
  #labelsOf(principal: string, instance: string): readonly Readonly<Record<string, string>>[] {
    const { live, candidate, rootNamespace, labelsOf } = this.#options;
    const known = labelsOf(principal, instance);
    const isSelective = (resource: Resource): boolean =>
      [rootNamespace, namespaceOf(principal)].includes(resource.metadata.namespace) && hasSelector(resource);
    return known.length > 0 || [...live, ...candidate].some(isSelective) ? known : [{}];
  }
}

const NOBODY = { namespace: '', serviceAccount: '' };

const DIFFERENT_LABELS: PolicyUnknown = {
  resource: 'a selector',
  what: 'for labels that the instances of the workload do not share',
  where: '',
};

function workloadOf(principal: string): Omit<WorkloadRef, 'labels'> | undefined {
  const [, namespace, serviceAccount] = /\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal) ?? [];
  return namespace === undefined || serviceAccount === undefined ? undefined : { namespace, serviceAccount };
}

function hasSelector(resource: Resource): boolean {
  const spec: object | undefined = resource.spec;
  return spec !== undefined && ('selector' in spec || 'podSelector' in spec);
}

/** Keys of what is the same on both sides, and means the same there. */
function steadyKeys(live: readonly Resource[], candidate: readonly Resource[]): ReadonlySet<string> {
  const formOf = (resource: Resource): string => {
    const { createdAt: _, ...metadata } = resource.metadata;
    return JSON.stringify(toDocument({ ...resource, metadata }));
  };
  const forms = new Map(live.map((resource) => [resourceKey(resource), formOf(resource)]));
  const same = candidate.filter((resource) => forms.get(resourceKey(resource)) === formOf(resource));
  const keys = new Set(same.map((resource) => resourceKey(resource)));
  const isSteady = (kind: Resource['kind']): boolean =>
    [...live, ...candidate].every((resource) => resource.kind !== kind || keys.has(resourceKey(resource)));
  const stands = { namespaces: isSteady('Namespace'), settings: isSteady('MeshConfig') };
  return new Set(same.filter((resource) => !leansOnOthers(resource, stands)).map((resource) => resourceKey(resource)));
}

/** Whether a resource means something else because of another one: labels of namespaces, authorizers by name. */
function leansOnOthers(
  resource: Resource,
  stands: { readonly namespaces: boolean; readonly settings: boolean },
): boolean {
  if (resource.kind === 'NetworkPolicy') return !stands.namespaces;
  return resource.kind === 'AuthorizationPolicy' && resource.spec.action === 'CUSTOM' && !stands.settings;
}

function describe(unknowns: readonly PolicyUnknown[]): string {
  const texts = new Set(
    unknowns.map(({ resource, what, where }) => `${resource} asks ${what}${where === '' ? '' : ` (${where})`}`),
  );
  const more = texts.size - NAMED_UNKNOWNS;
  return `${[...texts].slice(0, NAMED_UNKNOWNS).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
