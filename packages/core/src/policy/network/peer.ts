import { matchesLabelSelector } from '../../labels.ts';
import type { LabelSelector } from '../../resource/network-policy/label-selector.ts';
import type { AddressRange, NetworkPeer } from '../../resource/network-policy/peer.ts';
import { inIpBlock, parseIpBlock, type IpAddress, type IpBlock } from '../match/address/ip-block.ts';
import type { NetworkPeerFacts } from './facts.ts';

export type PeerTest = (peer: NetworkPeerFacts, address: IpAddress | undefined) => boolean;

/** One peer is enough; none at all asks nothing (`from: []` is everybody, as Kubernetes has it). */
export function compilePeers(peers: readonly NetworkPeer[] | undefined, policyNamespace: string): PeerTest {
  if (peers === undefined || peers.length === 0) return () => true;
  const tests = peers.map((peer) => compilePeer(peer, policyNamespace));
  return (peer, address) => tests.some((test) => test(peer, address));
}

function compilePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPeer, policyNamespace: string): PeerTest {
  if (ipBlock !== undefined) return compileRange(ipBlock);
  if (podSelector === undefined && namespaceSelector === undefined) return () => false;
  return (peer) =>
    isInNamespace(peer, namespaceSelector, policyNamespace) &&
    (podSelector === undefined || matchesLabelSelector(podSelector, peer.labels ?? {}));
}

/** Without a namespaceSelector, a podSelector is about the policy's own namespace. */
function isInNamespace(peer: NetworkPeerFacts, selector: LabelSelector | undefined, policyNamespace: string): boolean {
  if (peer.namespace === undefined) return false;
  return selector === undefined
    ? peer.namespace === policyNamespace
    : matchesLabelSelector(selector, peer.namespaceLabels ?? {});
}

/** An exception that cannot be read excepts everything: nothing is let in for a slip of the pen. */
function compileRange({ cidr, except = [] }: AddressRange): PeerTest {
  const range = parseIpBlock(cidr);
  const exceptions = except.map((text) => parseIpBlock(text));
  if (!range.ok || !exceptions.every((block) => block.ok)) return () => false;
  const blocks: IpBlock[] = exceptions.map(({ value }) => value);
  return (_, address) =>
    address !== undefined && inIpBlock(range.value, address) && !blocks.some((block) => inIpBlock(block, address));
}
