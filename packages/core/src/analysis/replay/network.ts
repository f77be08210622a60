import { judgeNetwork } from '../../policy/network/question.ts';
import type { MeshFacts, Question } from '../../policy/question.ts';
import type { NetworkPeer } from '../../resource/network-policy/peer.ts';
import { type NetworkPolicy, qualifiedName, type Resource } from '../../resource/resource.ts';
import type { PolicyUnknown } from './bounds.ts';
import type { Judgement } from './target.ts';
import { namespaceOf } from './traffic.ts';

type Labels = Readonly<Record<string, string>>;

export interface NetworkSideOptions {
  readonly resources: readonly Resource[];
  readonly rootNamespace: string;
  readonly trustDomain: string;
}

/** A call, as far as network policies look at it. */
export interface NetworkCall {
  readonly question: Question;
  /** Labels that the caller may have; none when they are not known. */
  readonly callerLabels: readonly Labels[];
}

const PASSES = 'passes';

/**
 * The network policies of one side, with every block of addresses answered for the call and against it: records hold no
 * addresses of callers. Labels of workloads and namespaces are known.
 */
export class NetworkSide {
  readonly #options: NetworkSideOptions;
  readonly #policies: readonly NetworkPolicy[];
  readonly #permissive: readonly Resource[];
  readonly #restrictive: readonly Resource[];

  constructor(options: NetworkSideOptions) {
    this.#options = options;
    this.#policies = options.resources.filter((resource) => resource.kind === 'NetworkPolicy');
    const namespaces = options.resources.filter(({ kind }) => kind === 'Namespace');
    this.#permissive = [...namespaces, ...this.#policies.map((policy) => withBlocks(policy, true))];
    this.#restrictive = [...namespaces, ...this.#policies.map((policy) => withBlocks(policy, false))];
  }

  /** "passes", or a DENY verdict, or what is unknown. */
  judge(call: NetworkCall): typeof PASSES | Judgement {
    const { question, callerLabels } = call;
    const namespaces = new Set([question.to.namespace, namespaceOf(question.from)]);
    const concerned = this.#policies.filter(({ metadata }) => namespaces.has(metadata.namespace));
    if (concerned.length === 0) return PASSES;
    if (question.from !== '' && callerLabels.length === 0)
      return {
        unknowns: concerned.map((policy) => unknownOf(policy, 'labels of the caller, which was never attested here')),
      };
    // Any one of those who hold the identity called, and records do not say which.
    const holders = callerLabels.length > 1 ? callerLabels.map((labels) => [labels]) : [callerLabels];
    const judged = holders.map((each) => this.#judgeHolder({ question, callerLabels: each }, concerned));
    const [first = PASSES] = judged;
    const isAgreed = judged.every((one) => outcomeOf(one) === outcomeOf(first));
    return isAgreed
      ? first
      : {
          unknowns: concerned.map((policy) =>
            unknownOf(policy, 'labels that the holders of the identity do not share'),
          ),
        };
  }

  #judgeHolder(call: NetworkCall, concerned: readonly NetworkPolicy[]): typeof PASSES | Judgement {
    const atBest = this.#verdict(this.#permissive, call);
    if (atBest !== undefined) return { verdict: atBest };
    if (this.#verdict(this.#restrictive, call) === undefined) return PASSES;
    return { unknowns: concerned.filter(hasBlocks).map((policy) => unknownOf(policy, 'addresses of callers')) };
  }

  #verdict(resources: readonly Resource[], { question, callerLabels }: NetworkCall): ReturnType<typeof judgeNetwork> {
    const { rootNamespace, trustDomain } = this.#options;
    const mesh: MeshFacts = { resources, rootNamespace, trustDomain };
    return judgeNetwork(question.from === '' ? question : { ...question, callerLabels }, mesh);
  }
}

function outcomeOf(judgement: typeof PASSES | Judgement): string {
  if (judgement === PASSES) return PASSES;
  return 'verdict' in judgement ? judgement.verdict.decision : 'unknown';
}

function unknownOf(policy: NetworkPolicy, what: string): PolicyUnknown {
  return { resource: `NetworkPolicy ${qualifiedName(policy)}`, what, where: '' };
}

function hasBlocks({ spec: { ingress = [], egress = [] } }: NetworkPolicy): boolean {
  return [...ingress.map(({ from }) => from), ...egress.map(({ to }) => to)].some((peers) =>
    (peers ?? []).some(isBlock),
  );
}

function isBlock({ ipBlock }: NetworkPeer): boolean {
  return ipBlock !== undefined;
}

/** The policy with its blocks taken to hold every address, or none. */
function withBlocks(policy: NetworkPolicy, holdAll: boolean): NetworkPolicy {
  const { ingress, egress } = policy.spec;
  return {
    ...policy,
    spec: {
      ...policy.spec,
      ...(ingress === undefined
        ? {}
        : {
            ingress: ingress.flatMap(({ from, ...rule }) => {
              const peers = assume(from, holdAll);
              return peers === 'nobody' ? [] : [{ ...rule, ...(peers === undefined ? {} : { from: peers }) }];
            }),
          }),
      ...(egress === undefined
        ? {}
        : {
            egress: egress.flatMap(({ to, ...rule }) => {
              const peers = assume(to, holdAll);
              return peers === 'nobody' ? [] : [{ ...rule, ...(peers === undefined ? {} : { to: peers }) }];
            }),
          }),
    },
  };
}

/** Undefined stands for everybody. */
function assume(
  peers: readonly NetworkPeer[] | undefined,
  holdAll: boolean,
): readonly NetworkPeer[] | 'nobody' | undefined {
  if (peers === undefined || !peers.some(isBlock)) return peers;
  if (holdAll) return undefined;
  const others = peers.filter((peer) => !isBlock(peer));
  return others.length === 0 ? 'nobody' : others;
}
