import { type Clock, type Resource, resourceKey, type ResourceProblem, toJson } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import type { AuditEvent, Journal } from '@rampart/journal';
import { type EnforcingPlane, unenforceable } from './enforceability.ts';
import type { HeldResource, ResourceSet } from './resource-set.ts';

export interface PolicyDeskOptions {
  readonly resources: ResourceSet;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly rootNamespace: string;
  /** Data planes that are connected now. */
  planes(): readonly EnforcingPlane[];
}

/** Who asks, for the record. */
export interface Operator {
  readonly name: string;
  readonly sourceIp: string;
}

export interface ApplyRequest {
  readonly document: string;
  readonly file: string;
  readonly defaultNamespace: string;
  /** Tells what would happen and does nothing. */
  readonly dryRun: boolean;
  readonly operator: Operator;
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

interface Planned {
  readonly resource: Resource;
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

  /** Answers with the revision from which it is gone; undefined when it is not there. */
  delete(key: string, operator: Operator): Promise<number | undefined> {
    return this.#inTurn(() => this.#delete(key, operator));
  }

  async #apply(request: ApplyRequest): Promise<ApplyOutcome> {
    const { document, file, defaultNamespace } = request;
    const { rootNamespace } = this.#options;
    const planes = this.#options.planes();
    const { resources, problems } = parseDocuments(document, {
      file,
      defaultNamespace,
      review: (resource) => unenforceable(resource, { rootNamespace, planes }),
    });
    if (problems.some(({ severity }) => severity === 'error')) {
      return { resources: [], problems, revision: 0 };
    }
    const planned = resources.map((resource) => this.#plan(resource));
    const changed = planned.filter(({ outcome }) => outcome !== 'unchanged');
    const revision = request.dryRun ? 0 : await this.#put(planned, changed, request.operator);
    return { resources: planned, problems, revision };
  }

  #plan(resource: Resource): Planned {
    const before = this.#options.resources.get(resourceKey(resource));
    const createdAt = before?.createdAt ?? this.#options.clock.now();
    // The control plane says when a resource was made: which of two policies is older decides conflicts between them.
    const dated: Resource = { ...resource, metadata: { ...resource.metadata, createdAt } };
    if (before === undefined) {
      return { resource: dated, before, outcome: 'created' };
    }
    return { resource: dated, before, outcome: before.json === toJson(dated) ? 'unchanged' : 'configured' };
  }

  async #put(planned: readonly Planned[], changed: readonly Planned[], operator: Operator): Promise<number> {
    const { resources, journal } = this.#options;
    if (changed.length === 0) {
      return Math.max(0, ...planned.map(({ before }) => before?.revision ?? 0));
    }
    const [revision] = await Promise.all([
      resources.change({ put: changed.map(({ resource }) => resource), remove: [] }),
      ...changed.map((change) => journal.audit(applied(change, operator))),
    ]);
    return revision;
  }

  async #delete(key: string, operator: Operator): Promise<number | undefined> {
    const { resources, journal } = this.#options;
    const before = resources.get(key);
    if (before === undefined) {
      return undefined;
    }
    const [revision] = await Promise.all([
      resources.change({ put: [], remove: [key] }),
      journal.audit(deleted(before, operator)),
    ]);
    return revision;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function applied({ resource, before, outcome }: Planned, operator: Operator): AuditEvent {
  const details = { resource: resourceKey(resource), outcome, old: before?.json ?? '', new: toJson(resource) };
  return {
    eventType: 'POLICY_APPLIED',
    identity: operator.name,
    sourceIp: operator.sourceIp,
    result: 'SUCCESS',
    details,
  };
}

function deleted(before: HeldResource, operator: Operator): AuditEvent {
  const details = { resource: before.key, old: before.json, new: '' };
  return {
    eventType: 'POLICY_DELETED',
    identity: operator.name,
    sourceIp: operator.sourceIp,
    result: 'SUCCESS',
    details,
  };
}
