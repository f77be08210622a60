import { addressText } from '@rampart/wire/dns';

/** What a name of our zones stands for. */
export type Lookup =
  | {
      readonly kind: 'service';
      readonly service: string;
      readonly namespace: string;
      /** Lower-case. */
      readonly tag?: string;
    }
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'address'; readonly address: string }
  /** The zone itself. */
  | { readonly kind: 'apex' }
  | { readonly kind: 'name-server' }
  /** No records, but names below it: resolvers that ask label by label (RFC 9156) must not be told that there is nothing. */
  | { readonly kind: 'between' }
  | { readonly kind: 'unknown' };

export interface ZoneOptions {
  readonly datacenter: string;
  /** Whose services the names of Consul without a namespace are. */
  readonly namespace: string;
}

export const CONSUL = 'consul';
export const MESH = 'mesh';
export type Zone = typeof CONSUL | typeof MESH;

const NAME_SERVER = 'ns';
const UNKNOWN: Lookup = { kind: 'unknown' };
const BETWEEN: Lookup = { kind: 'between' };
/** What the labels before the place of a name say; the last label is its kind. */
type Reader = (labels: readonly string[], namespace: string) => Lookup;

const CONSUL_KINDS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['service', serviceOf],
  ['node', (labels) => (labels.length === 0 ? BETWEEN : { kind: 'node', node: labels.join('.') })],
  ['addr', addressOf],
]);

/** The zone that a name is in and the labels before it; undefined when it is in none of ours. */
export function zoneOf(
  labels: readonly string[],
): { readonly zone: Zone; readonly labels: readonly string[] } | undefined {
  const last = labels.at(-1);
  return last === CONSUL || last === MESH ? { zone: last, labels: labels.slice(0, -1) } : undefined;
}

/** Reads a name of a zone; the labels are lower-case and without the zone's own. */
export function lookupOf(zone: Zone, labels: readonly string[], options: ZoneOptions): Lookup {
  if (labels.length === 0) return { kind: 'apex' };
  if (labels.length === 1 && labels[0] === NAME_SERVER) return { kind: 'name-server' };
  return zone === MESH ? meshLookup(labels) : consulLookup(labels, options);
}

/** `<service>.<namespace>`, and RFC 2782 names before a namespace. */
function meshLookup(labels: readonly string[]): Lookup {
  const namespace = labels.at(-1) ?? '';
  const before = labels.slice(0, -1);
  if (before.length === 0) return BETWEEN;
  if (before.length === 1 || isUnderlined(before.at(-1))) return serviceOf(before, namespace);
  return UNKNOWN;
}

/** `<what>.<kind>[.<namespace>.ns][.<partition>.ap][.<datacenter>[.dc]]` */
function consulLookup(labels: readonly string[], { datacenter, namespace }: ZoneOptions): Lookup {
  let rest = [...labels];
  if (rest.at(-1) === 'dc') {
    if (rest.at(-2) !== datacenter) return rest.length === 1 ? BETWEEN : UNKNOWN;
    rest = rest.slice(0, -2);
  } else if (rest.at(-1) === datacenter && !CONSUL_KINDS.has(datacenter)) {
    rest = rest.slice(0, -1);
  }
  if (rest.at(-1) === 'ap') {
    if (rest.length > 1 && rest.at(-2) !== 'default') return UNKNOWN;
    rest = rest.slice(0, -2);
  }
  let space = namespace;
  if (rest.at(-1) === 'ns' && rest.length > 1) {
    space = rest.at(-2) ?? '';
    rest = rest.slice(0, -2);
  }
  const kind = rest.at(-1);
  if (kind === undefined) return BETWEEN;
  return CONSUL_KINDS.get(kind)?.(rest.slice(0, -1), space) ?? UNKNOWN;
}

/** `[tag.]<service>`, or `_<service>._<tag>` of RFC 2782, where every protocol means "any tag" as it does for Consul. */
function serviceOf(labels: readonly string[], namespace: string): Lookup {
  const service = labels.at(-1);
  if (service === undefined) return BETWEEN;
  const first = labels.at(-2);
  if (isUnderlined(service)) {
    if (first === undefined) return BETWEEN;
    if (labels.length !== 2 || !isUnderlined(first)) return UNKNOWN;
    const tag = service.slice(1);
    const name = { kind: 'service', service: first.slice(1), namespace } as const;
    return tag === 'tcp' || tag === 'udp' ? name : { ...name, tag };
  }
  const tag = labels.slice(0, -1).join('.');
  return { kind: 'service', service, namespace, ...(tag === '' ? {} : { tag }) };
}

function isUnderlined(label: string | undefined): label is string {
  return label !== undefined && label.startsWith('_') && label.length > 1;
}

/** `<hex of an address>.addr`: what SRV records of instances without a name point to. */
function addressOf(labels: readonly string[]): Lookup {
  const [hex] = labels;
  if (hex === undefined) return BETWEEN;
  if (labels.length > 1 || !/^(?:[0-9a-f]{8}|[0-9a-f]{32})$/.test(hex)) return UNKNOWN;
  return { kind: 'address', address: addressText(Buffer.from(hex, 'hex')) };
}
