import type { Cursor, Reader } from '../cursor.ts';
import { need, readPort } from './document-form.ts';
import { readDestinationHost } from './host.ts';

export interface PortSelector {
  readonly number: number;
}

/** Where requests go (istio/api `networking/v1alpha3 Destination`). */
export interface Destination {
  /** In lower case; a short name is one of the rule's own namespace. */
  readonly host: string;
  /** One of a DestinationRule about the host. */
  readonly subset?: string;
  readonly port?: PortSelector;
}

const SUBSET = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const readSubsetName: Reader<string> = (at) =>
  at.checked((text) =>
    SUBSET.test(text) ? undefined : 'must be a DNS label: lower-case letters, digits and "-", at most 63 characters',
  );

export const readPortSelector: Reader<PortSelector> = (at) => {
  const { number } = at.fields<PortSelector>({ number: readPort }) ?? {};
  need(at, 'number');
  return number === undefined ? undefined : { number };
};

export function readDestination(at: Cursor): Destination | undefined {
  const fields = at.fields<Destination>({
    host: readDestinationHost,
    subset: readSubsetName,
    port: readPortSelector,
  });
  need(at, 'host');
  const { host, ...rest } = fields ?? {};
  return host === undefined ? undefined : { ...rest, host };
}
