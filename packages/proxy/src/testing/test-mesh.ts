import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { ENFORCED_IN_PROCESS, TrustDomain } from '@rampart/core';
import type { Resource, SpiffeId } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import { createSvid, ExternalAuthorizer, Gate, MeshView, SvidSource } from '@rampart/mesh';
import type { InboundConnection, MeshEndpoint, MeshService, Refusal, Svid, SvidParts, Target } from '@rampart/mesh';

import { SocketStream } from '../stream/socket-stream.ts';
import { clock } from './real-clock.ts';

const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
const DOMAIN = TrustDomain.of('cluster.local');

/** A leaf with its key. */
interface TestCertificate extends Omit<SvidParts, 'chain' | 'bundle'> {
  readonly spiffeId: SpiffeId;
  readonly der: Uint8Array;
}

/** Who issues certificates of the trust domain cluster.local in tests. */
export interface TestAuthority {
  readonly rootDer: Uint8Array;
  issue(
    now: number,
    options: { readonly namespace: string; readonly serviceAccount: string },
  ): Promise<TestCertificate>;
}

/** Documents in YAML as resources. */
function resources(...documents: readonly string[]): Resource[] {
  const parsed = parseDocuments(documents.join('\n---\n'), { file: 'test.yaml', defaultNamespace: 'default' });
  const errors = parsed.problems.filter(({ severity }) => severity === 'error');
  assert.deepEqual(errors, []);
  return [...parsed.resources];
}

/** One workload of the mesh, the service db, behind a real gate with mutual TLS; and a caller of it. */
export class TestMesh {
  readonly view: MeshView = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
  readonly external: ExternalAuthorizer = new ExternalAuthorizer({
    connect: () => {
      throw new Error('there is no authorizer');
    },
    clock,
  });
  readonly refused: Refusal[] = [];
  accept: (connection: InboundConnection) => void = () => {};
  #revision = 0;
  readonly #caller: Svid;
  readonly #own: TestCertificate;
  readonly #server: Server;
  readonly #gate: Gate;

  private constructor(parts: { caller: Svid; own: TestCertificate; identity: SvidSource; server: Server }) {
    this.#caller = parts.caller;
    this.#own = parts.own;
    this.#server = parts.server;
    this.view.setWorkload({ namespace: 'default', serviceAccount: 'db', labels: { app: 'db' } }, DOMAIN.name);
    this.#gate = new Gate({
      view: this.view,
      identity: parts.identity,
      clock,
      port: this.port,
      accept: (connection) => this.accept(connection),
      refuse: (refusal) => this.refused.push(refusal),
    });
    parts.server.on('connection', (socket) => this.#gate.enter(socket));
    this.apply();
  }

  static async start(ca: TestAuthority): Promise<TestMesh> {
    const now = clock.now();
    const bundle = { trustDomain: DOMAIN, roots: [ca.rootDer], jwtAuthorities: [], sequence: 1 };
    const svidOf = (svid: TestCertificate): Svid => createSvid({ ...svid, chain: [svid.der], bundle });
    const own = await ca.issue(now, { namespace: 'default', serviceAccount: 'db' });
    const caller = svidOf(await ca.issue(now, { namespace: 'default', serviceAccount: 'users-api' }));
    const issued = svidOf(own);
    const issuer = { attest: () => Promise.resolve(issued), renew: () => Promise.resolve(issued) };
    const identity = new SvidSource({ issuer, clock, random: () => 0.5, log });
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const mesh = new TestMesh({ caller, own, identity, server });
    const known = new Promise<void>((resolve) => {
      identity.subscribe(() => resolve());
    });
    identity.start();
    await known;
    return mesh;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** All policies from now on. */
  apply(...documents: readonly string[]): void {
    this.#revision += 1;
    const named = resources(...documents).map(
      (each) => [`${each.kind}/${each.metadata.namespace}/${each.metadata.name}`, each] as const,
    );
    this.view.apply({ revision: this.#revision, reset: true, resources: named, services: [], revokedSerials: [] });
  }

  /** The instance that the registry knows. */
  get target(): Target {
    const { spiffeId } = this.#own;
    const endpoint: MeshEndpoint = {
      instanceId: 'db-1',
      host: '127.0.0.1',
      port: this.port,
      protocol: 'tcp',
      spiffeId,
      identity: spiffeId.toString(),
      labels: {},
      address: `127.0.0.1:${this.port}`,
    };
    const service: MeshService = { name: 'db', namespace: 'default', host: 'db.default.svc', endpoints: [endpoint] };
    return { service, endpoint };
  }

  /** A connection of users-api to db, by mutual TLS. */
  async dial(): Promise<SocketStream> {
    const { service } = this.target;
    const socket = connectTls({
      socket: connect({ host: '127.0.0.1', port: this.port, allowHalfOpen: true }),
      servername: service.host,
      secureContext: this.#caller.context,
      checkServerIdentity: () => undefined,
    });
    const stream = new SocketStream(socket);
    await once(socket, 'secureConnect');
    return stream;
  }

  close(): void {
    this.#gate.close();
    this.#server.close();
    this.external.close();
  }
}
