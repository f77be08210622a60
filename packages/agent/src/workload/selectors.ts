import { ok } from '@rampart/core';
import type { Result } from '@rampart/core';

import type { Accounts } from './accounts.ts';
import type { BinaryDigests } from './binary-digest.ts';
import type { BinaryPath } from './binary-path.ts';
import { controlGroupFacts } from './control-group.ts';
import type { ControlGroupFacts } from './control-group.ts';
import type { PeerCredentials } from './peer-credentials.ts';
import { processFacts } from './process-facts.ts';
import type { ProcessFacts } from './process-facts.ts';

/** Where the names and digests come from. */
export interface SelectorSources {
  readonly accounts: Accounts;
  readonly digests: BinaryDigests;
}

/**
 * What is true of the process that opened a connection, as selectors of registration entries: `unix:uid:…`, `unix:user:…`,
 * `unix:gid:…`, `unix:group:…`, `unix:supplementary_gid:…`, `unix:supplementary_group:…`, `unix:path:…`, `unix:sha256:…` (the
 * names of SPIRE's unix attestor), `systemd:id:…`, `container:id:…`, `container:path:…`. The problem says why nothing can be said of it.
 */
export async function workloadSelectors(
  peer: PeerCredentials,
  connectedAt: number,
  sources: SelectorSources,
): Promise<Result<ReadonlySet<string>, string>> {
  // The digest first: should another process get the number meanwhile, the facts that are read last refuse it.
  const digest = await sources.digests.of(peer);
  const facts = await processFacts(peer, connectedAt);
  if (!facts.ok) return facts;
  const [users, groups] = await Promise.all([
    userSelectors(facts.value, sources.accounts),
    groupSelectors(facts.value, sources.accounts),
  ]);
  const { binary, controlGroups } = facts.value;
  const inGroups = controlGroups.map(controlGroupFacts);
  return ok(
    new Set([
      ...users,
      ...groups,
      ...pathSelectors(binary, inGroups),
      ...(digest === undefined ? [] : [`unix:sha256:${digest}`]),
      ...inGroups.flatMap(controlGroupSelectors),
    ]),
  );
}

async function userSelectors({ uid }: ProcessFacts, accounts: Accounts): Promise<string[]> {
  const user = await accounts.user(uid);
  return [`unix:uid:${uid}`, ...(user === undefined ? [] : [`unix:user:${user}`])];
}

async function groupSelectors({ gid, supplementaryGids }: ProcessFacts, accounts: Accounts): Promise<string[]> {
  const names = await accounts.groups();
  const named = (kind: string, id: number): string[] => {
    const name = names.get(String(id));
    return name === undefined ? [] : [`unix:${kind}:${name}`];
  };
  return [
    `unix:gid:${gid}`,
    ...named('group', gid),
    ...supplementaryGids.flatMap((each) => [`unix:supplementary_gid:${each}`, ...named('supplementary_group', each)]),
  ];
}

/** The path inside a container is the container's own word, and no other process has one. */
function pathSelectors(binary: BinaryPath | undefined, groups: readonly ControlGroupFacts[]): string[] {
  if (binary === undefined) return [];
  if (binary.isHosts) return [`unix:path:${binary.path}`];
  return groups.some(({ containerId }) => containerId !== undefined) ? [`container:path:${binary.path}`] : [];
}

function controlGroupSelectors({ unit, containerId }: ControlGroupFacts): string[] {
  return [
    ...(unit === undefined ? [] : [`systemd:id:${unit}`]),
    ...(containerId === undefined ? [] : [`container:id:${containerId}`]),
  ];
}
