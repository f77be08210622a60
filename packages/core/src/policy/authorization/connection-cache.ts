import { BoundedCache } from '../../bounded-cache.ts';
import type { ConnectionAttributes } from '../attributes.ts';
import { DESTINATION_IP, REMOTE_IP, SNI, SOURCE_IP } from './checks/subjects.ts';
import type { CompiledPolicy } from './policy.ts';
import { groupsOf } from './rule.ts';

const KEPT_PORTS = 4;
const KEPT_CONNECTIONS = 1024;

type Asked = 'sourceIp' | 'clientIp' | 'destinationIp' | 'sni';

/** What each attribute is called by those who ask for it. */
const SUBJECTS: ReadonlyMap<unknown, Asked> = new Map([
  [SOURCE_IP, 'sourceIp'],
  [REMOTE_IP, 'clientIp'],
  [DESTINATION_IP, 'destinationIp'],
  [SNI, 'sni'],
]);

/** Answers for connections, kept for others that are the same to the policies: those of one caller to one port, mostly. */
export class ConnectionCache<Answer> {
  readonly #make: (attributes: ConnectionAttributes) => Answer;
  /** What the policies ask about besides caller and port. */
  readonly #asked: readonly Asked[];
  readonly #ports = new BoundedCache<number, BoundedCache<string | undefined, Answer>>(KEPT_PORTS);

  constructor(policies: readonly CompiledPolicy[], make: (attributes: ConnectionAttributes) => Answer) {
    this.#make = make;
    this.#asked = askedBy(policies);
  }

  of(attributes: ConnectionAttributes): Answer {
    const port = this.#port(attributes.destinationPort);
    const key = this.#asked.length === 0 ? attributes.principal : this.#keyOf(attributes);
    let answer = port.get(key);
    if (answer === undefined) {
      answer = this.#make(attributes);
      port.set(key, answer);
    }
    return answer;
  }

  #port(number: number): BoundedCache<string | undefined, Answer> {
    let port = this.#ports.get(number);
    if (port === undefined) {
      port = new BoundedCache(KEPT_CONNECTIONS);
      this.#ports.set(number, port);
    }
    return port;
  }

  #keyOf(attributes: ConnectionAttributes): string {
    return JSON.stringify([attributes.principal ?? null, ...this.#asked.map((name) => valueOf(attributes, name))]);
  }
}

function valueOf(attributes: ConnectionAttributes, name: Asked): string {
  // Without HTTP, and where nobody has told another, the client's address is the peer's.
  return name === 'clientIp' ? (attributes.clientIp ?? attributes.sourceIp) : attributes[name];
}

function askedBy(policies: readonly CompiledPolicy[]): Asked[] {
  const checks = policies.flatMap((policy) =>
    policy.rules.flatMap((rule) => groupsOf(rule).flatMap((group) => [...group.connection, ...group.request])),
  );
  return [...new Set(checks.flatMap(({ subject }) => SUBJECTS.get(subject) ?? []))];
}
