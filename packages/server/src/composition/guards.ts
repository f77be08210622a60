import { type Access, accessOf } from '../doors/access.ts';
import { createGate, type Gate, type Refusal } from '../doors/gate.ts';
import { CallerLimits } from '../doors/limits/caller-limits.ts';
import { FailureLimit } from '../doors/limits/failure-limit.ts';
import { Refusals } from '../doors/refusals.ts';
import { RegistryTokens } from '../registry/registry-tokens.ts';
import type { Start } from './start.ts';
import type { State } from './state.ts';

export interface Guards {
  readonly failures: FailureLimit;
  readonly gate: Gate;
  readonly limits: CallerLimits;
  /** For calls that asked for an identity with what cannot be read. */
  unread(refusal: Refusal): void;
  /** Whose a bearer token is, for every door of the registry. */
  readonly registryTokens: RegistryTokens;
}

/** What an operator mistypes is between the two of them. */
const ASKS_FOR_IDENTITY: ReadonlySet<Access | undefined> = new Set<Access>(['anyone', 'holder', 'agent']);

/** Failures within a minute after which an address is blocked, and for how long. */
const BLOCK = { perMinute: 100, blockSeconds: 300 };

/** What stands between callers and the services. */
export function guardsOf({ options, metrics, teardown }: Start, state: State): Guards {
  const { clock, steady, log, callerRates: rates } = options;
  const { journal, tokens, apiTokens, entries, guard } = state;
  const failed = (error: unknown): void => log.error({ error }, 'a refusal could not be recorded');
  const blocks = metrics.counter(
    'rampart_blocked_addresses_total',
    'Addresses that were blocked for failing to prove who they are.',
  );
  const setting = (): typeof BLOCK => guard.policies.current().settings.limits?.authenticationFailures ?? BLOCK;
  const failures = new FailureLimit({
    clock: steady,
    burst: 20,
    perSecond: 1,
    block: {
      perMinute: () => setting().perMinute,
      blockSeconds: () => setting().blockSeconds,
      blocked: (sourceIp, details) => {
        blocks.add();
        log.warn({ sourceIp, ...details }, 'an address is blocked');
        journal
          .audit({ eventType: 'ADDRESS_BLOCKED', sourceIp, result: 'DENIED', details: { ...details } })
          .catch(failed);
      },
    },
  });
  const refusals = new Refusals({ journal, metrics, log, failures });
  const registryTokens = new RegistryTokens({ ...state, clock });
  const limits = new CallerLimits({ rates, clock, journal, metrics, failed });
  const follow = (): void => limits.follow(guard.policies.current().settings.limits ?? {});
  follow();
  teardown.add('limits of the registry', guard.policies.onChange(follow));
  return {
    failures,
    registryTokens,
    limits,
    unread: (refusal) => {
      const access = accessOf(refusal.method);
      if (!ASKS_FOR_IDENTITY.has(access)) return;
      if (access === 'anyone') failures.fail(refusal.remoteAddress, false);
      refusals.add(refusal);
    },
    gate: createGate({
      tokens,
      apiTokens,
      isAdministrator: (id) => entries.isAdministrator(id, clock.now()),
      participants: {
        holderOf: (token) => registryTokens.holderOf(token),
        allowsAnonymous: () => guard.policies.current().settings.anonymous === true,
      },
      failures,
      refused: (refusal) => refusals.add(refusal),
    }),
  };
}
