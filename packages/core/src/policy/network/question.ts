import type { Resource } from '../../resource/resource.ts';
import type { Question, MeshFacts } from '../question.ts';
import type { Verdict } from '../verdict.ts';
import { compileWorkloadPolicy } from '../workload-policy.ts';
import { namespaceLabels, type NetworkPeerFacts } from './facts.ts';

type Labels = Readonly<Record<string, string>>;

/** An identity of this mesh: `<trust domain>/ns/<namespace>/sa/<service account>`. */
interface Workload {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** A DENY verdict when NetworkPolicies keep the caller from the callee's port, at either end; else undefined. */
export function judgeNetwork(question: Question, mesh: MeshFacts): Verdict | undefined {
  if (!mesh.resources.some(({ kind }) => kind === 'NetworkPolicy')) return undefined;
  const { from, to, sourceIp: ip } = question;
  const caller = workloadOf(from);
  const callee = compileWorkloadPolicy({ ...mesh, workload: to }).network;
  if (caller === undefined) return callee.admit(from === '' ? { ip } : { ip, principal: from }, to.port);
  // Nobody can choose which holder of an identity calls: each of them must pass.
  for (const labels of question.callerLabels ?? [{ app: caller.serviceAccount }]) {
    const peer = factsOf(mesh.resources, { ip, principal: from, namespace: caller.namespace, labels });
    const { network } = compileWorkloadPolicy({ ...mesh, workload: { ...caller, labels } });
    const destination = factsOf(mesh.resources, { ip: '', namespace: to.namespace, labels: to.labels });
    const verdict = network.dial(destination, to.port) ?? callee.admit(peer, to.port);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

function factsOf(
  resources: readonly Resource[],
  known: NetworkPeerFacts & { readonly namespace: string; readonly labels: Labels },
): NetworkPeerFacts {
  const declared = resources.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === known.namespace);
  return { ...known, namespaceLabels: namespaceLabels(known.namespace, declared?.metadata.labels) };
}

function workloadOf(principal: string): Workload | undefined {
  const [, ns, namespace, sa, serviceAccount, ...rest] = principal.split('/');
  if (ns !== 'ns' || sa !== 'sa' || namespace === undefined || serviceAccount === undefined || rest.length > 0) {
    return undefined;
  }
  return { namespace, serviceAccount };
}
