import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';

import { createClient } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { createCsr, generateKeyPair } from '@rampart/spiffe';
import { AdminService, IdentityService } from '@rampart/wire';

const CALLERS = 64;
const REQUESTS = 64;
/** The door lets go of a connection that is idle for 6 s, and a request may be on its way just then. */
const LONGEST_IDLE_MS = 3000;

/** How a control plane of `door-process.ts` is reached. */
export interface Door {
  readonly address: string;
  readonly caFile: string;
  readonly adminTokenFile: string;
}

/** Milliseconds of one request from when it was due: until it was sent, and until it was answered. */
export interface Timed {
  readonly late: number;
  readonly latency: number;
}

/** Workloads that ask for their first certificate. */
export class Newcomers {
  readonly #admin: Client<typeof AdminService>;
  readonly #identity: Client<typeof IdentityService>;
  readonly #requests = Array.from({ length: REQUESTS }, () => createCsr(generateKeyPair()));
  #next = 0;

  constructor({ address, caFile, adminTokenFile }: Door) {
    const token = readFileSync(adminTokenFile, 'utf8').trim();
    const transport = createConnectTransport({
      baseUrl: address,
      // HTTP/1.1: over HTTP/2 Node's client now and then throws away a body that came whole before anybody read it.
      httpVersion: '1.1',
      nodeOptions: {
        agent: new Agent({
          ca: readFileSync(caFile),
          keepAlive: true,
          maxSockets: CALLERS,
          timeout: LONGEST_IDLE_MS,
        }),
      },
      interceptors: [
        (next) => (request) => {
          if (request.service.typeName === AdminService.typeName)
            request.header.set('authorization', `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    this.#admin = createClient(AdminService, transport);
    this.#identity = createClient(IdentityService, transport);
  }

  /** SVIDs a second. */
  async atFullLoad(count: number): Promise<number> {
    const tokens = await this.#tokens(count);
    const from = performance.now();
    const caller = async (): Promise<void> => {
      for (let token = tokens.pop(); token !== undefined; token = tokens.pop()) await this.#attest(token);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    return (count / (performance.now() - from)) * 1000;
  }

  /** Requests that come at a steady rate, whether the ones before are answered or not. */
  async atRate(perSecond: number, count: number): Promise<Timed[]> {
    const tokens = await this.#tokens(count);
    const from = performance.now();
    const timed = async (token: string, index: number): Promise<Timed> => {
      const due = from + (index / perSecond) * 1000;
      await until(due);
      const late = performance.now() - due;
      await this.#attest(token);
      // From when it was due: a caller that is late because of us counts as waiting.
      return { late, latency: performance.now() - due };
    };
    return Promise.all(tokens.map(timed));
  }

  async #tokens(count: number): Promise<string[]> {
    const tokens: string[] = [];
    while (tokens.length < count) {
      const wanted = Math.min(CALLERS, count - tokens.length);
      const made = await Promise.all(Array.from({ length: wanted }, (_, index) => this.#token(tokens.length + index)));
      tokens.push(...made);
    }
    return tokens;
  }

  async #token(index: number): Promise<string> {
    const workload = { namespace: 'default', serviceAccount: `workload-${index}`, service: '', labels: {} };
    return (await this.#admin.createJoinToken({ workload })).token;
  }

  async #attest(joinToken: string): Promise<void> {
    this.#next = (this.#next + 1) % REQUESTS;
    const { chain } = await this.#identity.attest({
      evidence: { case: 'joinToken', value: joinToken },
      csr: this.#requests[this.#next] ?? new Uint8Array(),
    });
    if (chain.length === 0) throw new Error('attested without a certificate');
  }
}

function until(moment: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, moment - performance.now()));
  });
}
