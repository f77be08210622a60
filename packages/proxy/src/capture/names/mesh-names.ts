import { resolve } from '@rampart/mesh';
import type { MeshService, MeshView } from '@rampart/mesh';
import { CLASS, RCODE, refusal, reverseAddress, TYPE } from '@rampart/wire/dns';
import type { Answer, DnsRecord, Question, RecordData } from '@rampart/wire/dns';

import { isInRange } from '../loopback/loopback-range.ts';

export interface MeshNamesOptions {
  readonly view: MeshView;
  /** Whose services names without a namespace are. */
  namespace(): string;
  /** The address of this host's loopback at which a service is listened for; undefined where there can be none. */
  hold(service: MeshService): Promise<string | undefined>;
  /** Host of the service that an address of the loopback stands for. */
  nameAt(address: string): string | undefined;
  /** Seconds that an answer may be kept. */
  readonly ttlSeconds: number;
}

const PLAIN = /^[\w-]+$/;

/** What the names of the mesh's services are on this host: addresses of its loopback, behind which the sidecar listens. */
export class MeshNames {
  readonly #options: MeshNamesOptions;

  constructor(options: MeshNamesOptions) {
    this.#options = options;
  }

  /** Undefined for names that others know. */
  async answer(question: Question): Promise<Answer | undefined> {
    const { labels, type } = question;
    if (question.class !== CLASS.IN && question.class !== CLASS.ANY) return refusal(RCODE.REFUSED);
    const reverse = reverseAddress(labels);
    if (reverse !== undefined && isInRange(reverse)) return this.#pointer(reverse, type);
    if (!labels.every((label) => PLAIN.test(label))) return undefined;
    const resolution = resolve(labels.join('.'), this.#options.view, this.#options.namespace());
    switch (resolution.kind) {
      case 'outside':
        return undefined;
      case 'refused':
        return { ...refusal(resolution.code === 'NOT_FOUND' ? RCODE.NXDOMAIN : RCODE.SERVFAIL), authoritative: true };
      case 'mesh':
        return this.#service(resolution.service, type);
    }
  }

  /** Other types than addresses are there, and empty: else resolvers would look for the name elsewhere. */
  async #service(service: MeshService, type: number): Promise<Answer> {
    if (type !== TYPE.A && type !== TYPE.ANY) return this.#found([]);
    const address = await this.#options.hold(service);
    return address === undefined ? refusal(RCODE.SERVFAIL) : this.#found([{ type: 'A', address }]);
  }

  #pointer(address: string, type: number): Answer {
    const name = this.#options.nameAt(address);
    if (name === undefined) return { ...refusal(RCODE.NXDOMAIN), authoritative: true };
    return this.#found(type === TYPE.PTR || type === TYPE.ANY ? [{ type: 'PTR', target: name }] : []);
  }

  #found(data: readonly RecordData[]): Answer {
    const answers = data.map((each): DnsRecord => ({ owner: undefined, ttl: this.#options.ttlSeconds, data: each }));
    return { ...refusal(RCODE.NOERROR), authoritative: true, answers };
  }
}
