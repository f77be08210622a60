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
  /** Set where nothing proves that address: "dns". What differs in nothing else is counted as one then, or forged sources would fill the record. */
  readonly claimedOver?: string;
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
/** Different questions of one caller that are allowed are told apart up to here. */
const DIFFERENT = { perSecond: 10, burst: 600 };

const MOST_SOURCES = 10;

interface Alike {
  readonly question: DecidedQuestion;
  /** Some of those it came from since the last record, where that is only claimed. */
  readonly sources: Set<string>;
  /** Since the last record. */
  count: number;
}

/**
 * Puts every decision on the audit record. What is allowed again and again is recorded at once, and then once a minute with
 * how often (`times`); denials are recorded one by one until one caller makes a flood of them. Whoever asks for ever new names
 * gets one record a minute for those beyond the first hundreds, so that nobody can fill the record. Of questions over DNS, whose
 * source anybody can forge, each service gets one, with some of the sources.
 */
export class AccessRecord {
  readonly #options: AccessRecordOptions;
  readonly #denials: TokenBuckets;
  readonly #different: TokenBuckets;
  readonly #alike = new Map<string, Alike>();
  #timer: Timer | undefined;

  constructor(options: AccessRecordOptions) {
    this.#options = options;
    this.#denials = new TokenBuckets(DENIALS, options.clock);
    this.#different = new TokenBuckets(DIFFERENT, options.clock);
  }

  add(question: DecidedQuestion): void {
    const { caller, action, decision, sourceIp, claimedOver } = question;
    const who = `${nameOfIdentity(caller)} ${claimedOver ?? sourceIp}`;
    if (!decision.allowed && claimedOver === undefined) {
      if (this.#denials.take(who) === 0) this.#write(question, 1);
      else this.#count(`${who} denied`, question);
      return;
    }
    const key = `${who} ${action} ${resourceText(question.resource)} ${decision.outcome} ${decision.rule}`;
    const alike = this.#alike.get(key);
    if (alike !== undefined) return again(alike, question);
    if (this.#different.take(who) === 0) {
      this.#write(question, 1);
      this.#hold(key, { question, count: 0, sources: new Set() });
    } else this.#count(`${who} ${action}`, question);
  }

  /** Records what was only counted so far. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { question, count, sources } of this.#alike.values()) {
      if (count > 0) this.#write(question, count, sources);
    }
    this.#alike.clear();
  }

  #count(key: string, question: DecidedQuestion): void {
    const alike = this.#alike.get(key);
    if (alike === undefined) this.#hold(key, { question, count: 1, sources: new Set([question.sourceIp]) });
    else again(alike, question);
  }

  #hold(key: string, alike: Alike): void {
    if (this.#alike.size >= MOST_ALIKE) this.flush();
    this.#alike.set(key, alike);
    this.#timer ??= this.#options.clock.after(ALIKE_MS, () => this.flush());
  }

  #write(question: DecidedQuestion, times: number, sources: ReadonlySet<string> = new Set()): void {
    this.#options.journal.audit(accessEvent(question, { times, sources })).catch(this.#options.failed);
  }
}

function again(alike: Alike, { sourceIp, claimedOver }: DecidedQuestion): void {
  alike.count += 1;
  if (claimedOver !== undefined && alike.sources.size < MOST_SOURCES) alike.sources.add(sourceIp);
}

const DENIED = { eventType: 'AUTHORIZATION_DENIED', result: 'DENIED' } as const;
const CHANGED = { eventType: 'AUTHORIZATION_ALLOWED', result: 'SUCCESS' } as const;
const ALLOWED = {
  read: { eventType: 'DISCOVERY_QUERY', result: 'SUCCESS' },
  write: CHANGED,
  admin: CHANGED,
} as const;

function accessEvent(
  { caller, action, resource, decision, sourceIp, claimedOver }: DecidedQuestion,
  { times, sources }: { readonly times: number; readonly sources: ReadonlySet<string> },
): AuditEvent {
  const [source = sourceIp, ...others] = sources;
  const isOfMany = others.length > 0;
  const { outcome, reason, allowed } = decision;
  return {
    ...(allowed ? ALLOWED[action] : DENIED),
    serviceName: resource.service ?? '',
    identity: nameOfIdentity(caller),
    sourceIp: isOfMany ? '' : source,
    details: {
      action,
      resource: resourceText(resource),
      namespace: resource.namespace,
      outcome,
      reason,
      ...(claimedOver === undefined ? {} : { over: claimedOver }),
      ...(isOfMany ? { sources: [...sources] } : {}),
      ...(times === 1 ? {} : { times }),
    },
  };
}
