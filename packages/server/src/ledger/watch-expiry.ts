import type { Authority, UsedCertificate } from '@rampart/authority';
import { type Clock, SpiffeId, type Timer } from '@rampart/core';
import type { ListeningAgents } from '../agents/listening-agents.ts';
import type { DataPlanes } from '../control/data-planes.ts';
import type { Logger } from '../log.ts';
import { SERVER_ACCOUNT } from '../resources/issuability.ts';

export interface ExpiryOptions {
  readonly authority: Pick<Authority, 'watchExpiry' | 'lifetimes' | 'list' | 'bundle'>;
  readonly dataPlanes: DataPlanes;
  readonly agents: ListeningAgents;
  readonly rootNamespace: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const EVERY_MS = 60_000;
/** The control plane renews its own certificate at half of its life. */
const OWN_SHARE = 0.5;

/**
 * Watches over certificates that end: those on record, those of the data planes and agents that are connected, and the
 * own one. Returns how
 * to end it.
 */
export async function watchExpiry(options: ExpiryOptions): Promise<() => void> {
  const { authority, dataPlanes, agents, clock, log } = options;
  const watch = await authority.watchExpiry({
    inUse: async () => [...connected(options), ...(await own(options))],
    rotate: (serial) => dataPlanes.rotateHolder(serial) || agents.rotateHolder(serial),
  });
  let timer: Timer | undefined;
  let looking: Promise<void> | undefined;
  let isOver = false;
  const look = (): void => {
    timer = clock.after(EVERY_MS, look);
    looking ??= watch
      .check()
      .catch((error: unknown) => {
        if (!isOver) log.error({ error }, 'certificates could not be looked through for those that end');
      })
      .finally(() => {
        looking = undefined;
      });
  };
  look();
  return () => {
    isOver = true;
    timer?.cancel();
  };
}

/** One certificate may have several streams: one for each process that was started with it. */
function connected({ authority, dataPlanes, agents }: ExpiryOptions): readonly UsedCertificate[] {
  const peers = [...dataPlanes.sessions.map(({ options: { peer } }) => peer), ...agents.holders()];
  const used = peers.map((peer) => ({
    serial: peer.serial,
    spiffeId: peer.id.toString(),
    notBefore: peer.certificate.notBefore,
    notAfter: peer.notAfter,
    renewalShare: authority.lifetimes.renewalShare,
  }));
  return [...new Map(used.map((certificate) => [certificate.serial, certificate])).values()];
}

async function own({ authority, rootNamespace }: ExpiryOptions): Promise<readonly UsedCertificate[]> {
  const { trustDomain } = authority.bundle();
  const spiffeId = SpiffeId.forWorkload(trustDomain, rootNamespace, SERVER_ACCOUNT).toString();
  const newest = await authority.list({ spiffeId, limit: 1 });
  return newest.map(({ serial, notBefore, notAfter }) => ({
    serial,
    spiffeId,
    notBefore,
    notAfter,
    renewalShare: OWN_SHARE,
  }));
}
