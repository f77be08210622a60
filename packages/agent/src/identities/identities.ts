import { Code, ConnectError } from '@connectrpc/connect';
import type { TrustBundle } from '@rampart/spiffe';

import type { ChangeSignal } from '../change-signal.ts';
import type { Caller } from '../endpoint/caller.ts';
import type { HostEntry } from '../entries/host-entry.ts';
import type { HostView } from '../entries/host-view.ts';
import type { JwtKeeper } from '../svid/jwt-keeper.ts';
import type { WorkloadSvid } from '../svid/workload-svid.ts';
import type { X509Keeper } from '../svid/x509-keeper.ts';

/** What the doors of the agent are made of. */
export interface Identities {
  readonly view: HostView;
  readonly changes: ChangeSignal;
  readonly x509: X509Keeper;
  readonly jwt: JwtKeeper;
}

/** An SVID with the entry that gives it to the caller. */
export interface HeldSvid {
  readonly entry: HostEntry;
  readonly svid: WorkloadSvid;
}

/**
 * The entries of a caller, at least one, the default first.
 * @throws ConnectError Unavailable while the agent starts; PermissionDenied when the caller has no identity.
 */
export async function entriesOf(caller: Caller, { view }: Identities): Promise<readonly HostEntry[]> {
  if (view.trustDomain === undefined) {
    throw new ConnectError('the agent has not heard from the control plane yet; try again', Code.Unavailable);
  }
  const selectors = await caller.selectors();
  if (!selectors.ok) throw new ConnectError(`no identity: ${selectors.problem}`, Code.PermissionDenied);
  const entries = view.entriesFor(selectors.value);
  if (entries.length > 0) return entries;
  // Which selectors were found is for operators, not for whoever asks.
  throw new ConnectError('no identity: no registration entry is about this process', Code.PermissionDenied);
}

/**
 * The SVIDs of these entries, at least one. An entry whose SVID cannot be had now is left out.
 * @throws ConnectError Unavailable when none can be had now; PermissionDenied when the control plane refuses them all.
 */
export async function svidsOf(entries: readonly HostEntry[], { x509 }: Identities): Promise<readonly HeldSvid[]> {
  const outcomes = await Promise.all(entries.map(async (entry) => ({ entry, outcome: await x509.get(entry) })));
  const held = outcomes.flatMap(({ entry, outcome }) => (outcome.ok ? [{ entry, svid: outcome.value }] : []));
  if (held.length > 0) return held;
  const problems = outcomes.flatMap(({ outcome }) => (outcome.ok ? [] : [outcome.problem]));
  const isRefused = problems.every(({ kind }) => kind === 'refused');
  throw isRefused
    ? new ConnectError('no identity: the control plane refuses this host an SVID for it', Code.PermissionDenied)
    : new ConnectError('no SVID can be had from the control plane now; try again later', Code.Unavailable);
}

/**
 * The bundles that workloads of these entries are told: the own one first, then those that the entries federate with.
 * @throws ConnectError Unavailable without the own one: an empty bundle would be taken for one that trusts nobody.
 */
export function bundlesOf(entries: readonly HostEntry[], { view }: Identities): readonly TrustBundle[] {
  const own = view.trustDomain?.name ?? '';
  if (view.bundle(own) === undefined) {
    throw new ConnectError('the agent has no trust bundle of its own trust domain; try again', Code.Unavailable);
  }
  const names = new Set([own, ...entries.flatMap(({ federatesWith }) => federatesWith).sort()]);
  return [...names].flatMap((name) => view.bundle(name) ?? []);
}

/** Hints, each once: of two that are the same the first counts (workload.proto). */
export function uniqueHints(entries: readonly HostEntry[]): readonly string[] {
  const seen = new Set<string>();
  return entries.map(({ hint }) => {
    if (seen.has(hint)) return '';
    seen.add(hint);
    return hint;
  });
}
