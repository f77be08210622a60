import type { Cursor } from '../../cursor.ts';
import { listOf, need, readPort } from '../document-form.ts';

/** A port of hosts outside the mesh (istio/api `ServicePort`). */
export interface ServiceEntryPort {
  readonly number: number;
  /** What is spoken to it; what is none of these words is TCP. */
  readonly protocol: ServiceEntryProtocol;
  readonly name: string;
  /** The port that instances really have, where it is another one. */
  readonly targetPort?: number;
}

export type ServiceEntryProtocol = 'HTTP' | 'HTTPS' | 'HTTP2' | 'GRPC' | 'GRPC-WEB' | 'TLS' | 'TCP';

const PROTOCOLS: readonly ServiceEntryProtocol[] = ['HTTP', 'HTTPS', 'HTTP2', 'GRPC', 'GRPC-WEB', 'TLS', 'TCP'];
/** Protocols that Istio has filters of Envoy for; bytes are carried as they are here. */
const CARRIED_AS_TCP: ReadonlySet<string> = new Set(['MONGO', 'MYSQL', 'REDIS']);
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST_PORTS = 1000;

export function readServiceEntryPorts(at: Cursor): ServiceEntryPort[] | undefined {
  const ports = listOf(readServiceEntryPort, MOST_PORTS, 'a list of ports')(at);
  if (ports === undefined) return undefined;
  const items = at.items() ?? [];
  for (const field of ['number', 'name']) {
    const seen = new Set<unknown>();
    for (const item of items) {
      const child = item.child(field);
      if (child.value !== undefined && seen.has(child.value))
        child.error(`is the ${field} of another port of this list`);
      seen.add(child.value);
    }
  }
  return ports;
}

function readServiceEntryPort(at: Cursor): ServiceEntryPort | undefined {
  const fields = at.fields<ServiceEntryPort>({
    number: readPort,
    protocol: readProtocol,
    name: (name) =>
      name.checked((text) => (NAME.test(text) ? undefined : 'must be lower-case letters, digits and "-", at most 63')),
    targetPort: readPort,
  });
  need(at, 'number', 'name');
  const { number, name, protocol = 'TCP', targetPort } = fields ?? {};
  if (number === undefined || name === undefined) return undefined;
  return { number, protocol, name, ...(targetPort === undefined ? {} : { targetPort }) };
}

/** In any case, as Istio reads it. */
function readProtocol(at: Cursor): ServiceEntryProtocol | undefined {
  const text = at.text();
  if (text === undefined) return undefined;
  const upper = text.toUpperCase();
  if (upper === 'UDP') return at.error('UDP is not carried by the mesh', 'UNSUPPORTED_FEATURE');
  const word = CARRIED_AS_TCP.has(upper) ? 'TCP' : PROTOCOLS.find((known) => known === upper);
  return word ?? at.word(PROTOCOLS);
}
