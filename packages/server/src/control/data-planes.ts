import type { WorkloadIdentity } from '@rampart/authority';
import { type Clock, RampartError } from '@rampart/core';
import type { Registry } from '@rampart/registry';
import type { RevocableCertificate } from '@rampart/spiffe';
import type { ControlPlaneMessage, DataPlaneMessage, Hello } from '@rampart/wire';
import type { Connection } from '../doors/caller.ts';
import type { Peer } from '../doors/peer.ts';
import type { Logger } from '../log.ts';
import type { EnforcingPlane } from '../resources/enforceability.ts';
import type { MeshSnapshots } from './mesh-snapshots.ts';
import { Session } from './session.ts';
import { type RegistrationRights, SessionInstances } from './session-instances.ts';

export interface DataPlanesOptions {
  readonly snapshots: MeshSnapshots;
  readonly registry: Registry;
  readonly rights: RegistrationRights;
  readonly clock: Clock;
  /** Measures silence. */
  readonly steady: Clock;
  readonly log: Logger;
  /** What the holder of a certificate was attested as. */
  workloadOf(serial: string): Promise<WorkloadIdentity | undefined>;
  /** Hears that a data plane is told from now on what there is. */
  discovers(peer: Peer, sourceIp: string): void;
  /** Whether what this authority signed is to be replaced. */
  isTainted(serial: string): boolean;
}

/** A control stream as its door hands it over. */
export interface IncomingStream {
  readonly peer: Peer;
  readonly connection: Connection;
  readonly messages: AsyncIterable<DataPlaneMessage>;
  /** Aborted when the stream is gone. */
  readonly signal: AbortSignal;
}

const LONGEST_HELLO_WAIT_MS = 10_000;

/** Every data plane that is connected now. */
export class DataPlanes {
  readonly #options: DataPlanesOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #watchers = new Set<() => void>();
  #closed = false;

  constructor(options: DataPlanesOptions) {
    this.#options = options;
  }

  get sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  /** What may be asked of each when a policy is applied. */
  enforcing(): EnforcingPlane[] {
    return this.sessions.map(({ options: { peer, hello, labels }, capabilities }) => ({
      name: `${peer.id.principal} (${hello.kind} ${hello.version})`,
      namespace: peer.namespace,
      labels,
      capabilities,
    }));
  }

  /** Calls back when a data plane came, went, or may enforce another revision; returns how to end it. */
  watch(listener: () => void): () => void {
    const own = (): void => listener();
    this.#watchers.add(own);
    return () => void this.#watchers.delete(own);
  }

  /** Serves one control stream until it ends. */
  async *serve(stream: IncomingStream): AsyncGenerator<ControlPlaneMessage> {
    const messages = stream.messages[Symbol.asyncIterator]();
    const session = await this.#open(stream, await this.#hello(messages, stream.signal));
    const ended = (): void => session.end();
    stream.signal.addEventListener('abort', ended);
    if (stream.signal.aborted) {
      ended();
    }
    void session.listen(messages);
    try {
      yield* session.messages();
    } finally {
      stream.signal.removeEventListener('abort', ended);
      session.end();
    }
  }

  /** Tells every stream that something may be new. */
  wake(): void {
    for (const session of this.#sessions.values()) {
      session.wake();
    }
  }

  /** Ends the streams of certificates that are no longer trusted, or of all that authorities signed. */
  cut(serials: readonly string[]): void {
    const revoked = new Set(serials);
    for (const session of this.sessions) {
      const { peer } = session.options;
      const serial = [peer.serial, ...peer.issuerSerials].find((each) => revoked.has(each));
      if (serial !== undefined) {
        session.end(new RampartError('CERTIFICATE_REVOKED', `certificate ${serial} is revoked`));
      }
    }
  }

  /** Has every data plane whose certificate stands on one of these authorities get a new one now. */
  rotate(serials: readonly string[]): void {
    for (const session of this.sessions) {
      if (session.options.peer.issuerSerials.some((serial) => serials.includes(serial))) {
        session.rotate();
      }
    }
  }

  /** Has the holder of a certificate renew it now; false when it is not connected. */
  rotateHolder(serial: string): boolean {
    const own = this.sessions.filter(({ options }) => options.peer.serial === serial);
    for (const session of own) session.rotate();
    return own.length > 0;
  }

  /** Ends the streams of those whose certificate a rule revokes; `why` says so. */
  cutRevoked(why: (certificate: RevocableCertificate) => string | undefined): void {
    for (const session of this.sessions) {
      const revocation = why(session.options.peer.certificate);
      if (revocation !== undefined) {
        session.end(new RampartError('CERTIFICATE_REVOKED', revocation));
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const session of this.sessions) {
      session.end(stopping());
    }
  }

  #moved(): void {
    for (const listener of this.#watchers) {
      listener();
    }
  }

  async #hello(messages: AsyncIterator<DataPlaneMessage>, signal: AbortSignal): Promise<Hello> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = this.#options.clock.after(LONGEST_HELLO_WAIT_MS, () =>
      reject(new RampartError('INVALID_ARGUMENT', 'no hello came in time')),
    );
    const gone = (): void => reject(new RampartError('CONTROL_PLANE_UNREACHABLE', 'the stream ended before its hello'));
    signal.addEventListener('abort', gone);
    try {
      const first = await Promise.race([messages.next(), late]);
      const message = first.done === true ? undefined : first.value.message;
      if (message?.case !== 'hello' || message.value.dataPlaneId === '') {
        throw new RampartError('INVALID_ARGUMENT', 'a control stream begins with a hello that names its data plane');
      }
      return message.value;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', gone);
    }
  }

  async #open({ peer, connection }: IncomingStream, hello: Hello): Promise<Session> {
    const { snapshots, registry, rights, clock, steady, log } = this.#options;
    const workload = await this.#options.workloadOf(peer.serial);
    if (workload === undefined) {
      throw new RampartError(
        'PERMISSION_DENIED',
        `certificate ${peer.serial} is not of a workload that was attested here`,
      );
    }
    if (this.#closed) {
      throw stopping();
    }
    const key = `${peer.id.principal} ${hello.dataPlaneId}`;
    // A data plane that comes back before its old stream was found dead: the new one counts.
    const former = this.#sessions.get(key);
    const session = new Session({
      peer,
      connection,
      hello,
      labels: workload.labels,
      snapshots,
      instances: new SessionInstances({
        registry,
        peer,
        workload,
        remoteAddress: connection.remoteAddress,
        log,
        rights,
      }),
      clock,
      steady,
      moved: () => this.#moved(),
      ended: (over) => {
        if (this.#sessions.get(key) === over) {
          this.#sessions.delete(key);
        }
        this.#moved();
        log.info({ peer: peer.id.toString(), dataPlane: hello.dataPlaneId }, 'data plane disconnected');
      },
    });
    this.#sessions.set(key, session);
    this.#moved();
    if (peer.issuerSerials.some((serial) => this.#options.isTainted(serial))) {
      session.rotate();
    }
    former?.end(new RampartError('CONTROL_PLANE_UNREACHABLE', 'the data plane connected again'));
    this.#options.discovers(peer, connection.remoteAddress);
    log.info(
      { peer: peer.id.toString(), dataPlane: hello.dataPlaneId, kind: hello.kind, version: hello.version },
      'data plane connected',
    );
    return session;
  }
}

function stopping(): RampartError {
  return new RampartError('CONTROL_PLANE_UNREACHABLE', 'the control plane is stopping');
}
