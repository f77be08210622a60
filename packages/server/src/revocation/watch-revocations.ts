import type { Authority, AuthorityStore } from '@rampart/authority';
import type { Clock } from '@rampart/core';
import type { Registry } from '@rampart/registry';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { DataPlanes } from '../control/data-planes.ts';
import type { WorkloadDirectory } from '../control/workload-directory.ts';
import type { Logger } from '../log.ts';
import { withdrawRevoked } from './withdraw-instances.ts';

export interface RevocationWatch {
  readonly authority: Pick<Authority, 'revocations' | 'revocationDesk'>;
  readonly certificates: Pick<AuthorityStore, 'workloadCertificates'>;
  readonly feed: ChangeFeed;
  readonly dataPlanes: DataPlanes;
  readonly directory: WorkloadDirectory;
  readonly registry: Pick<Registry, 'services' | 'leaseOf' | 'deregister'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Has data planes told of every revocation, and cuts the streams of those it is about. Returns how to end it. */
export function watchRevocations(watch: RevocationWatch): () => void {
  const { authority, feed, dataPlanes, directory, registry, log } = watch;
  const { revocations } = authority;
  const withdraw = (): void =>
    void withdrawRevoked(registry, authority).catch((error: unknown) =>
      log.error({ error }, 'instances of revoked identities stay registered'),
    );
  // An older copy of the database may have brought them back.
  withdraw();
  return revocations.onRevoked((event) => {
    if (event.kind === 'certificates') {
      // One revision, however many they are: history is counted in revisions.
      feed.publish(event.serials.map((serial) => ({ kind: 'revocation', serial })));
      directory.forget(event.serials);
      dataPlanes.cut(event.serials);
      return;
    }
    feed.publish([{ kind: 'revocation-rule', id: event.rule.id }]);
    dataPlanes.cutRevoked((certificate) => revocations.of(certificate));
    withdraw();
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
