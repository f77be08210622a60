import { parseIpAddress } from '../../../policy/match/address/ip-block.ts';
import type { Cursor } from '../../cursor.ts';
import { placeProblem } from '../destination-rule/locality.ts';
import { absent, MAX_COUNT, mapOf, need, readPort } from '../document-form.ts';
import { hostProblem } from '../host.ts';
import { readLabels } from '../labels.ts';

/** An address of hosts outside the mesh (istio/api `WorkloadEntry`). */
export interface ServiceEntryEndpoint {
  /** An IP address, or, with resolution DNS, a name. */
  readonly address: string;
  /** Numbers by the names of ports, where they are others than the entry's. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly locality?: string;
  /** 1 where absent. */
  readonly weight?: number;
}

interface Refused {
  readonly network: never;
  readonly serviceAccount: never;
}

export function readEndpoint(at: Cursor): ServiceEntryEndpoint | undefined {
  const fields = at.fields<ServiceEntryEndpoint & Refused>({
    address: (address) => address.checked(addressProblem),
    ports: mapOf(readPort, (name) => (name === '' ? 'the name of a port is empty' : undefined)),
    labels: readLabels,
    locality: (locality) => locality.checked((text) => (text.includes('*') ? 'must be one place' : placeProblem(text))),
    weight: (weight) => weight.integer('a weight', { min: 1, max: MAX_COUNT }),
    network: absent('networks are not told apart here'),
    serviceAccount: absent('a host outside the mesh has no identity of the mesh: use subjectAltNames'),
  });
  need(at, 'address');
  const { address, ...rest } = fields ?? {};
  return address === undefined ? undefined : { ...rest, address: address.toLowerCase() };
}

function addressProblem(text: string): string | undefined {
  if (text.startsWith('unix:'))
    return 'must be an address or a name: sockets of this host are not called through the mesh';
  return parseIpAddress(text) === undefined ? hostProblem(text) : undefined;
}
