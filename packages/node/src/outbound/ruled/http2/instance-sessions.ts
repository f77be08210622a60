import http2 from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';

import type { Outbound, Target } from '@rampart/mesh';

import { dialHttp2 } from '../../http2/dial-http2.ts';

// Taken once, at load: these sessions are the mesh's own, and do not go through the hook.
const { connect } = http2;

interface Held {
  readonly session: ClientHttp2Session;
  busy: number;
}

/** One session of HTTP/2 to each instance that requests under rules are sent to. */
export class InstanceSessions {
  readonly #outbound: Outbound;
  readonly #held = new Map<string, Held>();

  constructor(outbound: Outbound) {
    this.#outbound = outbound;
  }

  request(target: Target, headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const held = this.#of(target);
    const stream = held.session.request(headers);
    // An idle session does not keep the process alive, one with requests does.
    held.busy += 1;
    held.session.ref();
    stream.once('close', () => {
      held.busy -= 1;
      if (held.busy === 0) held.session.unref();
    });
    return stream;
  }

  /** Requests under way end; further ones take new sessions. */
  retire(keep: (instanceId: string) => boolean): void {
    for (const [instanceId, { session }] of this.#held) {
      if (keep(instanceId)) continue;
      this.#held.delete(instanceId);
      session.close();
    }
  }

  #of(target: Target): Held {
    const { instanceId } = target.endpoint;
    const known = this.#held.get(instanceId);
    if (known !== undefined && !known.session.closed && !known.session.destroyed) return known;
    const session = connect(`https://${target.service.host}`, {
      createConnection: () => dialHttp2(this.#outbound, target),
    });
    const held = { session, busy: 0 };
    this.#held.set(instanceId, held);
    const forget = (): void => {
      if (this.#held.get(instanceId) === held) this.#held.delete(instanceId);
    };
    session.on('error', forget);
    session.on('goaway', forget);
    session.on('close', forget);
    return held;
  }
}
