import type { Cursor } from '../cursor.ts';

export type NetworkProtocol = 'TCP' | 'UDP' | 'SCTP';

/** A port, a named port of the workload, or a range; without port every one of the protocol. */
export interface NetworkPort {
  /** TCP where the document names none. */
  readonly protocol: NetworkProtocol;
  readonly port?: number | string;
  /** Last port of the range that starts with `port`. */
  readonly endPort?: number;
}

const PROTOCOLS: readonly NetworkProtocol[] = ['TCP', 'UDP', 'SCTP'];
const MAX_PORT = 65_535;
const MAX_NAME = 15;
/** RFC 6335 service name, as Kubernetes `IsValidPortName` has it. */
const PORT_NAME = /^(?=.*[a-z])[a-z0-9](?:-?[a-z0-9])*$/;

export function readPorts(at: Cursor): NetworkPort[] | undefined {
  return at.list(readPort, 'a list of ports');
}

function readPort(at: Cursor): NetworkPort | undefined {
  const fields = at.fields<NetworkPort>({
    protocol: (protocol) => protocol.word(PROTOCOLS),
    port: readPortOrName,
    endPort: readPortNumber,
  });
  if (fields === undefined) return undefined;
  const { protocol = 'TCP', port, endPort } = fields;
  if (endPort !== undefined && !isRange(at, { port, endPort })) return undefined;
  return { protocol, ...(port === undefined ? {} : { port }), ...(endPort === undefined ? {} : { endPort }) };
}

function isRange(
  at: Cursor,
  { port, endPort }: { readonly port: number | string | undefined; readonly endPort: number },
): boolean {
  const place = at.child('endPort');
  if (at.child('port').value === undefined) place.misplaced('needs a port: the first of the range');
  else if (typeof port === 'string') place.misplaced('cannot stand beside a named port: write the number of the port');
  else if (port !== undefined && endPort < port) place.error(`must be at least the port, ${port}`);
  else return true;
  return false;
}

function readPortOrName(at: Cursor): number | string | undefined {
  if (typeof at.value !== 'string') return readPortNumber(at);
  const name = at.value;
  if (/^\d+$/.test(name)) return readPortNumber(at);
  if (name.length <= MAX_NAME && PORT_NAME.test(name)) return name;
  return at.error('the name of a port must be 1 to 15 lower-case letters, digits and single "-", with a letter in it');
}

function readPortNumber(at: Cursor): number | undefined {
  return at.integer('a port number', { min: 1, max: MAX_PORT });
}
