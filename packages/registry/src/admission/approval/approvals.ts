import { type Clock, RampartError, type RegistrationApproval, type ServiceName } from '@rampart/core';
import type { AuditEvent, Journal } from '@rampart/journal';
import { approvalKey, type ApprovalRecord, type ApprovalStore } from './store.ts';

/** Who wants to stand behind which service. */
export interface ApprovalStanding {
  readonly service: string;
  readonly namespace: string;
  readonly identity: string;
}

export interface ApprovalRequest extends ApprovalStanding {
  readonly host: string;
  readonly port: number;
  readonly sourceIp: string;
}

/** Which requests somebody decides about; absent parts mean all. */
export interface ApprovalChoice {
  readonly service: string;
  readonly namespace: string;
  readonly identity?: string;
}

/** The operator who decides, for the record. */
export interface Decider {
  readonly name: string;
  readonly sourceIp: string;
}

export interface ApprovalsOptions {
  readonly store: ApprovalStore;
  readonly journal: Pick<Journal, 'audit'>;
  readonly clock: Clock;
}

const MOST_PENDING = 10_000;
const MOST_PENDING_OF_ONE = 100;

/** Who was let in by a person, who was not, and who waits. */
export class Approvals {
  readonly #options: ApprovalsOptions;
  readonly #records = new Map<string, ApprovalRecord>();
  /** "namespace/service" of which some identity is approved. */
  readonly #known = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: ApprovalsOptions, records: readonly ApprovalRecord[]) {
    this.#options = options;
    for (const record of records) this.#hold(record);
  }

  static async open(options: ApprovalsOptions): Promise<Approvals> {
    return new Approvals(options, await options.store.all());
  }

  /** What is decided of an identity behind a service under a mode; undefined when nobody has asked yet. */
  stateOf(standing: ApprovalStanding, mode: RegistrationApproval): ApprovalRecord['state'] | undefined {
    if (mode === 'off') return 'approved';
    const own = this.#records.get(approvalKey(standing))?.state;
    if (own === 'approved' || own === 'rejected' || mode === 'new-identities') return own;
    return (this.#known.get(serviceKey(standing)) ?? 0) > 0 ? 'approved' : own;
  }

  /**
   * Puts a request where a person finds it; durable before it resolves. Asked again while it waits, nothing happens.
   * @throws RampartError RATE_LIMITED when too many wait already; STORAGE_FAILED.
   */
  request(request: ApprovalRequest): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#records.has(approvalKey(request))) return;
      const waiting = this.pending();
      const own = waiting.filter(({ identity }) => identity === request.identity).length;
      if (waiting.length >= MOST_PENDING || own >= MOST_PENDING_OF_ONE) {
        throw new RampartError('RATE_LIMITED', 'too many registrations wait for approval: have those decided first');
      }
      await this.#put([{ ...request, state: 'pending', requestedAt: this.#options.clock.now() }], []);
    });
  }

  /** Those who stand behind services already need nobody's approval. Durable before it resolves. */
  learn(standings: Iterable<ApprovalStanding>): Promise<void> {
    return this.#inTurn(async () => {
      const now = this.#options.clock.now();
      const why = { state: 'approved', decidedAt: now, decidedBy: 'registered before approval was asked for' } as const;
      const found = new Map<string, ApprovalRecord>();
      for (const { service, namespace, identity } of standings) {
        const key = approvalKey({ service, namespace, identity });
        if (this.#records.has(key)) continue;
        found.set(key, { service, namespace, identity, ...why, requestedAt: now, host: '', port: 0, sourceIp: '' });
      }
      if (found.size > 0) await this.#put([...found.values()], []);
    });
  }

  /**
   * Approves or rejects what waits, or decides anew what was decided; durable and on record before it resolves. Gives what
   * was decided. An identity that is named needs not have asked.
   * @throws RampartError NOT_FOUND when nothing of that name waits; STORAGE_FAILED.
   */
  decide(choice: ApprovalChoice, state: 'approved' | 'rejected', by: Decider): Promise<readonly ApprovalRecord[]> {
    return this.#inTurn(async () => {
      const decided = this.#chosen(choice, state).map((record): ApprovalRecord => ({
        ...record,
        state,
        decidedAt: this.#options.clock.now(),
        decidedBy: by.name,
      }));
      if (decided.length === 0) {
        const what = `${choice.service} in ${choice.namespace}`;
        throw new RampartError(
          'NOT_FOUND',
          `nobody waits to register ${what}: rampart registry pending lists who does`,
        );
      }
      await this.#put(
        decided,
        decided.map((record) => eventOf(record, by)),
      );
      for (const listener of this.#listeners) listener();
      return decided;
    });
  }

  /** Whether somebody may register a service by approval. */
  isApproved({ name, namespace }: ServiceName): boolean {
    return (this.#known.get(serviceKey({ service: name, namespace })) ?? 0) > 0;
  }

  /** What waits, oldest first. */
  pending(): readonly ApprovalRecord[] {
    return this.all().filter(({ state }) => state === 'pending');
  }

  /** Everything that was ever asked or decided, oldest first. */
  all(): readonly ApprovalRecord[] {
    return [...this.#records.values()].toSorted((a, b) => a.requestedAt - b.requestedAt);
  }

  /** Calls back when something was decided; returns how to end it. */
  onDecided(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #chosen({ service, namespace, identity }: ApprovalChoice, state: ApprovalRecord['state']): ApprovalRecord[] {
    if (identity !== undefined) {
      const known = this.#records.get(approvalKey({ service, namespace, identity }));
      const now = this.#options.clock.now();
      return [known ?? { service, namespace, identity, state, requestedAt: now, host: '', port: 0, sourceIp: '' }];
    }
    const ofService = this.all().filter((record) => record.service === service && record.namespace === namespace);
    const waiting = ofService.filter((record) => record.state === 'pending');
    return waiting.length > 0 ? waiting : ofService.filter((record) => record.state !== state);
  }

  async #put(records: readonly ApprovalRecord[], events: readonly AuditEvent[]): Promise<void> {
    const { store, journal } = this.#options;
    await Promise.all([store.put(records), ...events.map((event) => journal.audit(event))]);
    for (const record of records) this.#hold(record);
  }

  #hold(record: ApprovalRecord): void {
    const key = approvalKey(record);
    const before = this.#records.get(key)?.state === 'approved' ? 1 : 0;
    const now = record.state === 'approved' ? 1 : 0;
    const service = serviceKey(record);
    this.#known.set(service, (this.#known.get(service) ?? 0) + now - before);
    this.#records.set(key, record);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function serviceKey({ namespace, service }: Pick<ApprovalStanding, 'namespace' | 'service'>): string {
  return `${namespace}/${service}`;
}

const APPROVED = { eventType: 'REGISTRATION_APPROVED' };
const REJECTED = { eventType: 'REGISTRATION_REJECTED' };

function eventOf({ service, namespace, identity, state, host }: ApprovalRecord, by: Decider): AuditEvent {
  return {
    ...(state === 'approved' ? APPROVED : REJECTED),
    serviceName: service,
    identity: by.name,
    sourceIp: by.sourceIp,
    result: 'SUCCESS',
    details: { namespace, registrant: identity, host },
  };
}
