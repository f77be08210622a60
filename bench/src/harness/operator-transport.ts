import { readFileSync } from 'node:fs';

import type { Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';

/** Where a control plane is, and who asks it. */
export interface OperatorAddress {
  readonly address: string;
  readonly caFile: string;
  readonly tokenFile: string;
}

/** Calls to a control plane by its operator, over HTTP/2. */
export function operatorTransport({ address, caFile, tokenFile }: OperatorAddress): Transport {
  const token = readFileSync(tokenFile, 'utf8').trim();
  return createConnectTransport({
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
}
