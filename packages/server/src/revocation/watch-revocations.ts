import type { Authority, AuthorityStore } from '@rampart/authority';
import type { Clock } from '@rampart/core';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { DataPlanes } from '../control/data-planes.ts';
import type { WorkloadDirectory } from '../control/workload-directory.ts';
import type { Logger } from '../log.ts';
import { type WithdrawingRegistry, withdrawRevoked, withdrawSerials } from './withdraw-instances.ts';

export interface RevocationWatch {
  readonly authority: Pick<Authority, 'revocations' | 'revocationDesk'>;
  readonly certificates: Pick<AuthorityStore, 'workloadCertificates' | 'certificatesOf'>;
  readonly feed: ChangeFeed;
  readonly dataPlanes: DataPlanes;
  readonly directory: WorkloadDirectory;
  readonly registry: WithdrawingRegistry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Has data planes told of every revocation, and cuts the streams of those it is about. Returns how to end it. */
export function watchRevocations(watch: RevocationWatch): () => void {
  const { authority, certificates, feed, dataPlanes, directory, registry, log } = watch;
  const { revocations } = authority;
  const withdrawn = (work: Promise<void>): void =>
    void work.catch((error: unknown) => log.error({ error }, 'instances of revoked identities stay registered'));
  // An older copy of the database may have brought them back.
  withdrawn(withdrawRevoked(registry, authority, certificates));
  return revocations.onRevoked((event) => {
    if (event.kind === 'certificates') {
      // One revision, however many they are: history is counted in revisions.
      feed.publish(event.serials.map((serial) => ({ kind: 'revocation', serial })));
      directory.forget(event.serials);
      dataPlanes.cut(event.serials);
      withdrawn(withdrawSerials(registry, event.serials));
      return;
    }
    feed.publish([{ kind: 'revocation-rule', id: event.rule.id }]);
    dataPlanes.cutRevoked((certificate) => revocations.of(certificate));
    withdrawn(withdrawRevoked(registry, authority, certificates));
    void forgetRevoked(watch).catch((error: unknown) =>
      log.error({ error }, 'revoked workloads stay in the directory'),
    );
  });
}

/** Records of certificates say that a rule revoked them once the revocation is settled. */
async function forgetRevoked({ authority, certificates, directory, clock }: RevocationWatch): Promise<void> {
  await authority.revocationDesk.marked();
  const known = directory.serials();
  const valid = new Set((await certificates.workloadCertificates(clock.now())).map(({ serial }) => serial));
  directory.forget(known.filter((serial) => !valid.has(serial)));
}
