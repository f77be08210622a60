import { inIpBlock, parseIpBlock, type IpBlock } from '../../policy/match/address/ip-block.ts';
import type { Cursor } from '../cursor.ts';
import { readLabelSelector, type LabelSelector } from './label-selector.ts';
import { excerpt } from '../../printable.ts';

const WORD_BITS = 32;

/** The other end: workloads by their labels (and those of their namespace), or addresses. */
export interface NetworkPeer {
  /** Workloads of the policy's own namespace, or of those that `namespaceSelector` selects. */
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: AddressRange;
}

/** The addresses of `cidr` without those of `except`. */
export interface AddressRange {
  readonly cidr: string;
  readonly except?: readonly string[];
}

export function readPeers(at: Cursor): NetworkPeer[] | undefined {
  return at.list(readPeer, 'a list of peers');
}

function readPeer(at: Cursor): NetworkPeer | undefined {
  const peer = at.fields<NetworkPeer>({
    podSelector: readLabelSelector,
    namespaceSelector: readLabelSelector,
    ipBlock: readAddressRange,
  });
  if (peer === undefined) return undefined;
  const has = (field: keyof NetworkPeer): boolean => at.child(field).value !== undefined;
  if (has('ipBlock') && (has('podSelector') || has('namespaceSelector'))) {
    return at.child('ipBlock').misplaced('cannot stand beside a selector in the same peer: write two peers');
  }
  if ((at.keys() ?? []).length === 0) {
    return at.error('must have a podSelector, a namespaceSelector or an ipBlock ("podSelector: {}" is every workload)');
  }
  return peer;
}

function readAddressRange(at: Cursor): AddressRange | undefined {
  const fields = at.fields<AddressRange>({
    cidr: readCidr,
    except: (list) => list.list(readCidr, 'a list of CIDR blocks'),
  });
  if (fields === undefined) return undefined;
  const { cidr, except } = fields;
  if (at.child('cidr').value === undefined) return at.error('needs a cidr');
  if (cidr === undefined) return undefined;
  for (const item of except === undefined ? [] : (at.child('except').items() ?? [])) checkWithin(item, cidr);
  return { cidr, ...(except === undefined ? {} : { except }) };
}

/** Kubernetes asks for an exception to lie in its block, and to be smaller than it. */
function checkWithin(at: Cursor, cidr: string): void {
  const outer = parseIpBlock(cidr);
  const inner = typeof at.value === 'string' ? parseIpBlock(at.value) : outer;
  if (!outer.ok || !inner.ok || inner === outer || isSmallerPart(inner.value, outer.value)) return;
  at.error(`must lie within ${cidr}, and be smaller than it`);
}

function isSmallerPart(inner: IpBlock, outer: IpBlock): boolean {
  return inner.prefix > outer.prefix && inIpBlock(outer, inner.address);
}

function readCidr(at: Cursor): string | undefined {
  const text = at.text('a CIDR block such as 10.0.0.0/8');
  if (text === undefined) return undefined;
  if (!text.includes('/')) {
    return at.error(
      `${excerpt(text)} has no prefix length: write ${text.includes(':') ? `${text}/128` : `${text}/32`} for one address`,
    );
  }
  const block = parseIpBlock(text);
  if (!block.ok) return at.error(block.problem);
  if (!isNetworkAddress(block.value)) at.warning('has bits beyond its prefix length, which count for nothing');
  return text;
}

/** Whether every bit after the prefix is zero. */
function isNetworkAddress({ address, prefix }: IpBlock): boolean {
  return address.every((word, index) => {
    const kept = Math.min(Math.max(prefix - index * WORD_BITS, 0), WORD_BITS);
    return kept === WORD_BITS || (word & (0xffff_ffff >>> kept)) === 0;
  });
}
