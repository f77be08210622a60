import { createClient, type Client } from '@connectrpc/connect';
import { AdminService, RevocationService } from '@rampart/wire';

import { operatorTransport, type OperatorAddress } from '../harness/operator-transport.ts';

export interface ConsoleWorkload {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly service: string;
  readonly labels: Record<string, string>;
}

/** An operator at the control plane. */
export class AdminConsole {
  readonly #client: Client<typeof AdminService>;
  readonly #revocations: Client<typeof RevocationService>;

  constructor(place: OperatorAddress) {
    const transport = operatorTransport(place);
    this.#client = createClient(AdminService, transport);
    this.#revocations = createClient(RevocationService, transport);
  }

  /** Resolves when the control plane has answered that the documents are in force. */
  async apply(document: string): Promise<void> {
    const { problems } = await this.#client.apply({ document, file: 'bench.yaml' });
    const errors = problems.filter((problem) => problem.severity === 'error');
    if (errors.length > 0) throw new Error(JSON.stringify(errors.map(({ message }) => message)));
  }

  /** Resolves when the control plane has answered that everything of the identity is revoked. */
  async revoke(spiffeId: string): Promise<void> {
    await this.#revocations.revoke({ spiffeId, reason: 'keyCompromise' });
  }

  async joinToken(workload: ConsoleWorkload): Promise<string> {
    return (await this.#client.createJoinToken({ workload })).token;
  }
}
