import { dirname, join } from 'node:path';

import { createClient } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import { AdminService } from '@rampart/wire';

import { operatorTransport } from '../harness/operator-transport.ts';
import type { Control } from '../inprocess/rampart.ts';
import type { FeatureDocument } from './feature-rules.ts';

const ROLLOUT_MS = 10_000;

/** Changes the rules of a mesh while it runs. */
export class Operator {
  readonly #client: Client<typeof AdminService>;

  constructor({ address, caFile }: Pick<Control, 'address' | 'caFile'>) {
    const tokenFile = join(dirname(caFile), 'admin.token');
    this.#client = createClient(AdminService, operatorTransport({ address, caFile, tokenFile }));
  }

  /** Resolves when every data plane holds to it. */
  async enforce(document: string): Promise<void> {
    const { problems, revision } = await this.#client.apply({ document, file: 'feature.yaml' });
    const errors = problems.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new Error(JSON.stringify(errors.map(({ field, message }) => `${field}: ${message}`)));
    await this.#settle(revision);
  }

  /** Resolves when no data plane holds to it any more. */
  async withdraw(documents: readonly FeatureDocument[]): Promise<void> {
    const resources = documents.map(({ kind, namespace, name }) => ({ kind, namespace, name }));
    await this.#settle((await this.#client.deleteResources({ resources })).revision);
  }

  async #settle(revision: bigint): Promise<void> {
    let [taken, dataPlanes] = [0, 1];
    for await (const answer of this.#client.followRollout({ revision, timeoutMs: ROLLOUT_MS }))
      ({ taken, dataPlanes } = answer);
    if (taken < dataPlanes) throw new Error(`revision ${revision} is held by ${taken} of ${dataPlanes} data planes`);
  }
}
