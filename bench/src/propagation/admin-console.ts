import { readFileSync } from 'node:fs';

import { createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AdminService, RevocationService } from '@rampart/wire';

export interface ConsoleOptions {
  readonly address: string;
  readonly caFile: string;
  readonly tokenFile: string;
}

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

  constructor({ address, caFile, tokenFile }: ConsoleOptions) {
    const token = readFileSync(tokenFile, 'utf8').trim();
    const transport = createConnectTransport({
      baseUrl: address,
      httpVersion: '2',
      nodeOptions: { ca: readFileSync(caFile) },
      interceptors: [
        (next) => (request) => {
          request.header.set('authorization', `Bearer ${token}`);
          return next(request);
        },
      ],
    });
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
