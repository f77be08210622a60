import { type Clock, type Timer, TokenBuckets } from '@rampart/core';
import type { AuditEvent, Journal } from '@rampart/journal';
import { nameOfIdentity, type RegistryIdentity } from '../admission/identity.ts';
import type { RegistryAction } from './permission.ts';
import type { Decision } from './registry-policy.ts';
import { type RegistryResource, resourceText } from './resource.ts';

/** A question and its answer. */
export interface DecidedQuestion {
  readonly caller: RegistryIdentity;
  readonly action: RegistryAction;
  readonly resource: RegistryResource;
  readonly decision: Decision;
  /** "" where it is not known. */
  readonly sourceIp: string;
}

export interface AccessRecordOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  /** Hears that a record could not be kept. */
  readonly failed: (error: unknown) => void;
}

/** Questions that are alike are one record in that time, with how many there were. */
const ALIKE_MS = 60_000;
const MOST_ALIKE = 10_000;
/** Denials of one caller are recorded one by one up to here; a flood of them is counted. */
const DENIALS = { perSecond: 2, burst: 120 };

interface Alike {
  readonly question: DecidedQuestion;
  /** Since the last record. */
  count: number;
}

/**
 * Puts every decision on the audit record. What is allowed again and again is recorded at once, and then once a minute with
 * how often (`times`); denials are recorded one by one until one caller makes a flood of them.
 */
export class AccessRecord {
  readonly #options: AccessRecordOptions;
  readonly #denials: TokenBuckets;
  readonly #alike = new Map<string, Alike>();
  #timer: Timer | undefined;

  constructor(options: AccessRecordOptions) {
    this.#options = options;
    this.#denials = new TokenBuckets(DENIALS, options.clock);
  }

  add(question: DecidedQuestion): void {
    const { caller, decision, sourceIp } = question;
    const name = nameOfIdentity(caller);
    if (!decision.allowed && this.#denials.take(`${name} ${sourceIp}`) === 0) {
      this.#write(question, 1);
      return;
    }
    const key = `${name} ${sourceIp} ${question.action} ${resourceText(question.resource)} ${decision.outcome} ${decision.rule}`;
    const alike = this.#alike.get(key);
    if (alike !== undefined) {
      alike.count += 1;
      return;
    }
    if (this.#alike.size >= MOST_ALIKE) this.flush();
    const isFlood = !decision.allowed;
    if (!isFlood) this.#write(question, 1);
    this.#alike.set(key, { question, count: isFlood ? 1 : 0 });
    this.#timer ??= this.#options.clock.after(ALIKE_MS, () => this.flush());
  }

  /** Records what was only counted so far. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { question, count } of this.#alike.values()) {
      if (count > 0) this.#write(question, count);
    }
    this.#alike.clear();
  }

  #write(question: DecidedQuestion, times: number): void {
    this.#options.journal.audit(accessEvent(question, times)).catch(this.#options.failed);
  }
}

const DENIED = { eventType: 'AUTHORIZATION_DENIED', result: 'DENIED' } as const;
const CHANGED = { eventType: 'AUTHORIZATION_ALLOWED', result: 'SUCCESS' } as const;
const ALLOWED = {
  read: { eventType: 'DISCOVERY_QUERY', result: 'SUCCESS' },
  write: CHANGED,
  admin: CHANGED,
} as const;

function accessEvent({ caller, action, resource, decision, sourceIp }: DecidedQuestion, times: number): AuditEvent {
  const { outcome, reason, allowed } = decision;
  return {
    ...(allowed ? ALLOWED[action] : DENIED),
    serviceName: resource.service ?? '',
    identity: nameOfIdentity(caller),
    sourceIp,
    details: {
      action,
      resource: resourceText(resource),
      namespace: resource.namespace,
      outcome,
      reason,
      ...(times === 1 ? {} : { times }),
    },
  };
}
