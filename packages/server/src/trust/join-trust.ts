import type { Federation } from '@rampart/authority';
import type { Clock } from '@rampart/core';
import type { Logger } from '../log.ts';
import type { Teardown } from '../teardown.ts';
import { type FederatedDomainsOptions, openFederatedDomains } from './federated-domains.ts';
import type { OwnTrust } from './own-trust.ts';

export interface JoinTrustOptions extends Pick<
  FederatedDomainsOptions,
  'feed' | 'resources' | 'database' | 'journal' | 'webRoots'
> {
  readonly trust: OwnTrust;
  readonly clock: Clock;
  readonly log: Logger;
  readonly teardown: Teardown;
}

/** Other trust domains; whoever listens is told of their bundles and of the own one. */
export async function joinTrust({ trust, log, teardown, ...options }: JoinTrustOptions): Promise<Federation> {
  teardown.add(
    'watches',
    trust.jwt.onChanged(() => options.feed.publish([{ kind: 'bundle' }])),
  );
  const domains = await openFederatedDomains({
    ...options,
    ownBundle: () => trust.bundle(),
    failed: (error) => log.error({ error }, 'a federated trust domain could not be kept current'),
  });
  teardown.add('federation', () => domains.close());
  return domains.federation;
}
