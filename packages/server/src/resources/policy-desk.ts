import {
  type Clock,
  RampartError,
  type Resource,
  resourceKey,
  type ResourceProblem,
  type ServiceName,
  toJson,
} from '@rampart/core';
import { type ParsedDocuments, parseDocuments, type ReaderOptions, ResourceTexts } from '@rampart/core/documents';
import type { AuditEvent, Journal } from '@rampart/journal';
import { inSlices, TimeSlices } from '../time-slices.ts';
import { type EnforcingPlane, unenforceable } from './enforceability.ts';
import { entryOverlaps } from './entry-overlaps.ts';
import { formed, type FormedResource } from './formed-resource.ts';
import { federationReview } from './federability.ts';
import { type LongestLives, unattainable } from './attainability.ts';
import { unissuable } from './issuability.ts';
import { unsignable } from './signability.ts';
import type { ChangeAccount, HeldResource, ResourceChange, ResourceSet } from './resource-set.ts';
import { planRollback, type RollbackPlan } from './rollback.ts';
import type { ChangedResource } from './store.ts';
import { refuseToBreak, trafficProblems } from './traffic-problems.ts';

export interface PolicyDeskOptions {
  readonly resources: ResourceSet;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly rootNamespace: string;
  readonly trustDomain: string;
  readonly longestLives: LongestLives;
  /** Whether the registry has had an instance of a service. */
  isRegistered(service: ServiceName): boolean;
  /** Ports that the instances of a service serve now. */
  servedPorts(service: ServiceName): ReadonlySet<number>;
  /** Data planes that are connected now. */
  planes(): readonly EnforcingPlane[];
}

/** Who asks, for the record. */
export interface Operator {
  readonly name: string;
  readonly sourceIp: string;
}

/** How resources are applied, however they come. */
export interface ApplyOptions {
  /** Name that problems carry. */
  readonly file: string;
  readonly defaultNamespace: string;
  /** Tells what would happen and does nothing. */
  readonly dryRun: boolean;
  /** Takes rules about services, subsets and ports that are not there yet, with a warning. */
  readonly allowUnknownServices: boolean;
  readonly operator: Operator;
}

export interface ApplyRequest extends ApplyOptions {
  readonly document: string;
}

export interface ApplyOutcome {
  /** Empty when any problem is an error. */
  readonly resources: readonly {
    readonly resource: Resource;
    readonly outcome: 'created' | 'configured' | 'unchanged';
  }[];
  readonly problems: readonly ResourceProblem[];
  /** From which they are in force; 0 when nothing was applied. */
  readonly revision: number;
}

/** Resources on their way into force. */
export interface ResourceSetDraft {
  /** Takes the JSON of one more; returns how many there are. */
  add(text: string): number;
  apply(): Promise<ApplyOutcome>;
}

export interface DeletionOutcome {
  /** Keys of those that were there. */
  readonly deleted: ReadonlySet<string>;
  /** From which they are gone; 0 when nothing was deleted. */
  readonly revision: number;
}

export interface RollbackRequest {
  readonly revision: number;
  /** Tells what would happen and does nothing. */
  readonly dryRun: boolean;
  readonly operator: Operator;
}

export interface RollbackOutcome {
  /** Only those that change; empty when any problem is an error. */
  readonly changes: readonly ChangedResource[];
  readonly problems: readonly ResourceProblem[];
  /** From which the set is what it was; 0 when nothing was changed. */
  readonly revision: number;
}

interface Planned extends FormedResource {
  readonly before: HeldResource | undefined;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

/** Where resources are applied and deleted: all or nothing, one at a time, on the audit record. */
export class PolicyDesk {
  readonly #options: PolicyDeskOptions;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: PolicyDeskOptions) {
    this.#options = options;
  }

  apply(request: ApplyRequest): Promise<ApplyOutcome> {
    return this.#inTurn(() => this.#apply(request));
  }

  /** A set that comes in parts: each is checked when it comes, and `apply` puts all of them into force or none. */
  begin(request: ApplyOptions): ResourceSetDraft {
    const texts = new ResourceTexts(request.file, this.#reading(request));
    return {
      add: (text) => {
        texts.add(text);
        return texts.count;
      },
      apply: () => this.#inTurn(() => this.#applyParsed(texts, request)),
    };
  }

  /**
   * Deletes those that are there, all in one revision.
   *
   * @throws RampartError INVALID_ARGUMENT for a DestinationRule that rules which stay send requests by.
   */
  delete(keys: readonly string[], operator: Operator): Promise<DeletionOutcome> {
    return this.#inTurn(() => this.#delete(keys, operator));
  }

  /**
   * Brings back the whole set as it was at a revision.
   *
   * @throws RampartError NOT_FOUND for a revision that is compacted or yet to come, INVALID_RESOURCE for a resource that
   *   this version no longer takes.
   */
  rollback(request: RollbackRequest): Promise<RollbackOutcome> {
    return this.#inTurn(() => this.#rollback(request));
  }

  async #apply(request: ApplyRequest): Promise<ApplyOutcome> {
    const { document, file } = request;
    return this.#applyParsed(parseDocuments(document, { file, ...this.#reading(request) }), request);
  }

  /** How resources are read, and what there is against those that are sound in themselves. */
  #reading({ defaultNamespace }: Pick<ApplyOptions, 'defaultNamespace'>): ReaderOptions {
    const { rootNamespace, trustDomain } = this.#options;
    const planes = this.#options.planes();
    const unfederable = federationReview({ trustDomain, resources: () => this.#options.resources.all() });
    return {
      defaultNamespace,
      rootNamespace,
      review: (resource) => [
        ...unenforceable(resource, { rootNamespace, planes }),
        ...unissuable(resource, { rootNamespace, trustDomain }),
        ...unattainable(resource, this.#options.longestLives),
        ...unfederable(resource),
        ...unsignable(resource, { rootNamespace }),
      ],
    };
  }

  async #applyParsed(parsed: ParsedDocuments, request: ApplyOptions): Promise<ApplyOutcome> {
    const { problems: found } = parsed;
    if (found.some(({ severity }) => severity === 'error')) return { resources: [], problems: found, revision: 0 };
    const { file, allowUnknownServices } = request;
    const { resources } = parsed;
    const present = (): readonly HeldResource[] => this.#options.resources.all();
    const overlaps = entryOverlaps(parsed, { file, now: this.#options.clock.now(), present });
    const { rootNamespace, isRegistered, servedPorts } = this.#options;
    const registry = { rootNamespace, isRegistered, servedPorts };
    const traffic = trafficProblems(parsed, { file, present, allowUnknownServices, ...registry });
    const problems = [...found, ...overlaps, ...traffic];
    if (traffic.some(({ severity }) => severity === 'error')) return { resources: [], problems, revision: 0 };
    const planned: Planned[] = [];
    await inSlices(resources, this.#slices(), (resource) => planned.push(this.#plan(resource)));
    const changed = planned.filter(({ outcome }) => outcome !== 'unchanged');
    const revision = request.dryRun ? 0 : await this.#put(planned, changed, request.operator);
    return { resources: planned, problems, revision };
  }

  #plan(resource: Resource): Planned {
    const before = this.#options.resources.get(resourceKey(resource));
    const createdAt = before?.createdAt ?? this.#options.clock.now();
    // The control plane says when a resource was made: which of two policies is older decides conflicts between them.
    const dated: Resource = { ...resource, metadata: { ...resource.metadata, createdAt } };
    const json = toJson(dated);
    if (before?.json === json) return { ...before, before, outcome: 'unchanged' };
    return { ...formed(dated, json), before, outcome: before === undefined ? 'created' : 'configured' };
  }

  async #put(planned: readonly Planned[], changed: readonly Planned[], operator: Operator): Promise<number> {
    if (changed.length === 0) {
      return planned.reduce((latest, { before }) => Math.max(latest, before?.revision ?? 0), 0);
    }
    return this.#change(
      { put: changed, remove: [], by: this.#account('apply', operator) },
      changed.map((change) => () => applied(change, operator)),
    );
  }

  async #delete(keys: readonly string[], operator: Operator): Promise<DeletionOutcome> {
    const { resources } = this.#options;
    const gone = [...new Set(keys)].map((key) => resources.get(key)).filter((held) => held !== undefined);
    const remove = gone.map(({ key }) => key);
    if (gone.length === 0) {
      return { deleted: new Set(), revision: 0 };
    }
    const { rootNamespace, isRegistered, servedPorts } = this.#options;
    refuseToBreak(gone, { rootNamespace, isRegistered, servedPorts, present: () => resources.all() });
    const revision = await this.#change(
      { put: [], remove, by: this.#account('delete', operator) },
      gone.map((before) => () => deleted(before, operator)),
    );
    return { deleted: new Set(remove), revision };
  }

  async #rollback({ revision, dryRun, operator }: RollbackRequest): Promise<RollbackOutcome> {
    const { resources, rootNamespace } = this.#options;
    const past = revision > resources.revision ? 'future' : await resources.at(revision);
    if (past === 'future') {
      throw new RampartError('NOT_FOUND', `there is no revision ${revision} yet: the newest is ${resources.revision}`);
    }
    if (past === 'compacted') {
      const oldest = await resources.oldest();
      throw new RampartError(
        'NOT_FOUND',
        `revision ${revision} is compacted: the oldest that can be brought back is ${oldest}`,
      );
    }
    const plan = planRollback(past, resources.all(), { rootNamespace, planes: this.#options.planes() });
    if (plan.problems.length > 0) {
      return { changes: [], problems: plan.problems, revision: 0 };
    }
    const changes: ChangedResource[] = [
      ...plan.put.map(({ resource, outcome }) => ({ key: resourceKey(resource), outcome })),
      ...plan.remove.map(({ key }) => ({ key, outcome: 'deleted' as const })),
    ];
    const isDone = dryRun || changes.length === 0;
    return { changes, problems: [], revision: isDone ? 0 : await this.#restore(plan, { revision, operator }) };
  }

  async #restore(
    { put, remove }: RollbackPlan,
    { revision, operator }: { readonly revision: number; readonly operator: Operator },
  ): Promise<number> {
    const from = this.#options.resources.revision;
    const by = { ...this.#account('rollback', operator), restored: revision };
    return this.#change({ put, remove: remove.map(({ key }) => key), by }, [
      () => ({
        eventType: 'POLICY_ROLLED_BACK',
        identity: operator.name,
        sourceIp: operator.sourceIp,
        result: 'SUCCESS',
        details: { revision, from, restored: put.length, deleted: remove.length },
      }),
      // Whoever follows one resource through the record finds every change of it in the same form.
      ...put.map((change) => () => applied(change, operator)),
      ...remove.map((before) => () => deleted(before, operator)),
    ]);
  }

  /** Into force and on record in one transaction; resolves with the revision. */
  #change(change: ResourceChange, events: readonly (() => AuditEvent)[]): Promise<number> {
    const { resources, journal } = this.#options;
    const slices = this.#slices();
    return journal.auditChange({
      events,
      pause: () => (slices.isOver ? slices.others() : undefined),
      change: () => resources.change(change),
    });
  }

  #slices(): TimeSlices {
    return new TimeSlices(this.#options.clock);
  }

  #account(action: ChangeAccount['action'], { name }: Operator): ChangeAccount {
    return { at: this.#options.clock.now(), actor: name, action };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** Who may do what in the registry is kept longer than other policies. */
const ACL_CHANGED = { eventType: 'ACL_CHANGED' };

function isAccessControl(kind: Resource['kind']): boolean {
  return kind === 'RegistryAcl' || kind === 'RegistrySettings';
}

function applied({ key, resource, json, before, outcome }: Planned, operator: Operator): AuditEvent {
  const documents = { old: before?.json ?? '', new: json };
  return {
    ...(isAccessControl(resource.kind) ? ACL_CHANGED : { eventType: 'POLICY_APPLIED' }),
    identity: operator.name,
    sourceIp: operator.sourceIp,
    result: 'SUCCESS',
    details: { resource: key, outcome },
    documents,
  };
}

function deleted(before: HeldResource, operator: Operator): AuditEvent {
  return {
    ...(isAccessControl(before.resource.kind) ? ACL_CHANGED : { eventType: 'POLICY_DELETED' }),
    identity: operator.name,
    sourceIp: operator.sourceIp,
    result: 'SUCCESS',
    details: { resource: before.key },
    documents: { old: before.json, new: '' },
  };
}
