import type { FederationStore } from '@rampart/authority';
import type { Database } from '../database.ts';

/** The last good bundles of federated trust domains in the database. */
export function createFederationStore({ reads, writer }: Database): FederationStore {
  return {
    federatedBundles: () =>
      reads
        .selectFrom('federated_bundles')
        .select([
          'trust_domain as trustDomain',
          'document',
          'bootstrap_hash as bootstrapHash',
          'fetched_at as fetchedAt',
        ])
        .execute(),
    putFederatedBundle: ({ trustDomain, document, bootstrapHash, fetchedAt }) =>
      writer.write(async (transaction) => {
        const value = { document, bootstrap_hash: bootstrapHash, fetched_at: fetchedAt };
        await transaction
          .insertInto('federated_bundles')
          .values({ trust_domain: trustDomain, ...value })
          .onConflict((conflict) => conflict.column('trust_domain').doUpdateSet(value))
          .execute();
      }),
    removeFederatedBundle: (trustDomain) =>
      writer.write(async (transaction) => {
        await transaction.deleteFrom('federated_bundles').where('trust_domain', '=', trustDomain).execute();
      }),
  };
}
