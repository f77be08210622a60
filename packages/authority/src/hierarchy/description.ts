import type { Lifetimes } from '../issuance/lifetimes.ts';
import type { AuthorityDescription } from './control.ts';
import type { HeldAuthority } from './held-authority.ts';
import { longestGuaranteedLife, rootRotationOf, rotationOf } from './rotation-rule.ts';
import type { Upstream } from './upstream/upstream.ts';

/** An authority as operators see it. */
export function describeAuthority(
  { record, signer }: HeldAuthority,
  around: { readonly root: HeldAuthority | undefined; readonly lifetimes: Lifetimes },
): AuthorityDescription {
  const { kind, serial, name, state, since, notBefore, notAfter, der } = record;
  const times = kind === 'root' ? rootRotationOf(record, around.lifetimes) : rotationOf(record);
  const isActive = state === 'active';
  return {
    kind,
    serial,
    name,
    state,
    since,
    notBefore,
    notAfter,
    der,
    root: around.root?.record.serial ?? '',
    canSign: signer !== undefined,
    prepareAt: isActive ? times.prepareAt : undefined,
    activateAt: isActive ? times.activateAt : undefined,
  };
}

const DAY_MS = 24 * 3600 * 1000;
const LONG_LIVED_MS = 7 * DAY_MS;

interface Circumstances {
  /** Kind of who signs the intermediates. */
  readonly upstream: Upstream['kind'];
  readonly lifetimes: Lifetimes;
  readonly now: number;
  readonly failure: string | undefined;
}

/** What somebody should look after, in words. */
export function warningsOf(authorities: readonly AuthorityDescription[], now: Circumstances): readonly string[] {
  const { workloadMs } = now.lifetimes;
  const warnings: string[] = [...rootWarnings(authorities, now)];
  if (now.failure !== undefined) warnings.push(`the rotation that is due could not be done: ${now.failure}`);
  if (workloadMs > LONG_LIVED_MS) {
    warnings.push(
      `certificates of workloads live ${days(workloadMs)}, more than 7: a stolen one is good for that long; use the profile "mesh" where workloads can renew`,
    );
  }
  const active = authorities.find(({ kind, state }) => kind === 'intermediate' && state === 'active');
  if (active === undefined) return [...warnings, 'no intermediate signs: no certificate can be issued'];
  const guaranteed = longestGuaranteedLife(active.notAfter - active.notBefore);
  if (workloadMs > guaranteed) {
    warnings.push(
      `certificates are made for ${days(workloadMs)}, but near the end of an intermediate they end with it; only ${days(guaranteed)} are sure`,
    );
  }
  const waiting = authorities.some(({ kind, state }) => kind === 'intermediate' && state === 'prepared');
  if (!waiting && now.now >= (active.activateAt ?? Infinity)) {
    const end = new Date(active.notAfter).toISOString();
    warnings.push(
      `the intermediate ends at ${end} and no next one is prepared: rampart ca prepare, or rampart ca request`,
    );
  }
  return warnings;
}

/** A root of our own is replaced by itself; what is said of others. */
function rootWarnings(
  authorities: readonly AuthorityDescription[],
  { upstream, now }: Circumstances,
): readonly string[] {
  const roots = authorities.filter(({ kind }) => kind === 'root');
  const active = roots.find(({ state }) => state === 'active');
  const next = roots.find(({ state }) => state === 'prepared');
  if (active === undefined || upstream === 'own') return [];
  const warnings: string[] = [];
  if (next === undefined && now >= (active.prepareAt ?? Infinity)) {
    const end = new Date(active.notAfter).toISOString();
    warnings.push(
      `the root ends at ${end}, and with it every intermediate; make the next one and publish it: rampart ca prepare root --certificate FILE`,
    );
  }
  if (upstream === 'root' && !active.canSign && next?.canSign !== true) {
    warnings.push(
      `root ${active.serial} signs and is not the one that this control plane was started with: start it with --root and the directory of that one`,
    );
  }
  return warnings;
}

function days(milliseconds: number): string {
  const count = milliseconds / DAY_MS;
  return count >= 1 ? `${Number(count.toFixed(1))} days` : `${Number((count * 24).toFixed(1))} hours`;
}
