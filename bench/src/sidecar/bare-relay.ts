import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import type { ProxyPair } from './pair.ts';

const HALF = fileURLToPath(new URL('relay-process.ts', import.meta.url));

/** The limit of this machine for proxies in JavaScript: two that hand on bytes over one connection of mutual TLS, and do nothing else. */
export const bareRelay: ProxyPair = {
  name: 'bare-relay',
  start: async ({ directory, environment, app }) => {
    const far = await Child.start({ script: HALF, args: ['far', directory, String(app)] }, environment);
    const near = await Child.start({ script: HALF, args: ['near', directory, String(far.hello['port'])] }, environment);
    return {
      port: Number(near.hello['port']),
      pids: [near.child.pid, far.child.pid],
      stop: async () => {
        await near.child.stop();
        await far.child.stop();
      },
    };
  },
};
