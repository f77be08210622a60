import type { CheckDefinition, CheckState } from './check.ts';

/** Worst of all: maintenance > critical > warning > passing (Consul). */
export type InstanceHealth = 'passing' | 'warning' | 'critical' | 'maintenance';

/** What operators said of an instance. It lasts as long as the instance, restarts and registrations that are repeated included. */
export interface Standing {
  /** It finishes what it has and is given nothing new. */
  readonly draining: boolean;
  readonly maintenance?: { readonly reason: string };
}

/** State of an instance; no part of its registration. Never changed; a change makes a new one. */
export interface InstanceState extends Standing {
  readonly checks: readonly CheckState[];
  readonly health: InstanceHealth;
}

/** Shared by the many instances that have no check and of which nobody said anything. */
const PASSING: InstanceState = { draining: false, checks: [], health: 'passing' };

export function stateOf(standing: Standing, checks: readonly CheckState[]): InstanceState {
  if (!standing.draining && standing.maintenance === undefined && checks.length === 0) return PASSING;
  const { draining, maintenance } = standing;
  const health = healthOf(standing, checks);
  return maintenance === undefined ? { draining, checks, health } : { draining, maintenance, checks, health };
}

function healthOf({ maintenance }: Standing, checks: readonly CheckState[]): InstanceHealth {
  if (maintenance !== undefined) return 'maintenance';
  if (checks.some(({ status }) => status === 'critical')) return 'critical';
  return checks.some(({ status }) => status === 'warning') ? 'warning' : 'passing';
}

/** Whether an instance is to be given new work: neither draining nor in maintenance nor critical. */
export function isUsable({ draining, health }: InstanceState): boolean {
  return !draining && (health === 'passing' || health === 'warning');
}

/** The state that an instance begins with, of what is known of it: checks that it had before go on where they were. */
export function initialState(
  { checks }: { readonly checks: readonly CheckDefinition[] },
  { standing, checks: known }: { readonly standing: Standing; readonly checks: readonly CheckState[] },
  now: number,
): InstanceState {
  const states = checks.map(
    ({ checkId, name, initialStatus }) =>
      known.find((state) => state.checkId === checkId && state.name === name) ?? {
        checkId,
        name,
        status: initialStatus,
        output: '',
        changedAt: now,
      },
  );
  return stateOf(standing, states);
}
