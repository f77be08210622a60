import http from 'node:http';
import type { Duplex } from 'node:stream';

import { poolingOf } from '../mesh-agent.ts';
import type { RuledDoor } from './ruled-door.ts';

/** Stands behind an application's own agent: the same pooling rules, but every connection leads to where rules are held. */
export class RuledAgent extends http.Agent {
  readonly #door: RuledDoor;

  constructor(door: RuledDoor, like: http.Agent) {
    super(poolingOf(like));
    this.#door = door;
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    return this.#door.connect(options.host ?? '', Number(options.port ?? 0));
  }

  override getName(options?: http.ClientRequestArgs): string {
    return `${options?.host ?? ''}:${String(options?.port ?? 0)}`;
  }
}
