import type { JwtRule } from '../resource/request-authentication/jwt-rule.ts';
import { isDryRun } from '../resource/dry-run.ts';
import type { Resource, ResourceKind, ServiceTokenPolicy } from '../resource/resource.ts';
import { qualifiedName } from '../resource/resource.ts';
import type { ConnectionAttributes } from './attributes.ts';
import { factsOf } from './authorization/checks/check.ts';
import { ConnectionCache } from './authorization/connection-cache.ts';
import { PolicedConnection } from './authorization/policed-connection.ts';
import { compilePolicy, type CompiledPolicy } from './authorization/policy.ts';
import { PolicySet } from './authorization/policy-set.ts';
import { verdictOf } from './authorization/verdicts.ts';
import type { ConnectionPolicy } from './connection-policy.ts';
import { ENFORCED_IN_PROCESS, requiredFeatures, type PolicyFeature } from './features.ts';
import { meshSettingsOf, type MeshSettings } from './mesh-settings.ts';
import { compileLimits, UNLIMITED, type WorkloadLimits } from './limit/limits.ts';
import { compileNetworkRules, OPEN_NETWORK, type NetworkRules } from './network/rules.ts';
import { compileQuarantines, NO_QUARANTINE, type Quarantines } from './quarantine/quarantines.ts';
import { compileSignatureRules, type SignatureRule } from './signature/rules.ts';
import { byAge, selects, type WorkloadRef } from './selection.ts';
import { layerPeerAuthentications, resolveTlsMode, type PeerAuthenticationLayers, type TlsMode } from './tls-mode.ts';
import type { Verdict } from './verdict.ts';

/** What no data plane can have decided here, whatever else it can do. */
const UNDECIDABLE: ReadonlySet<PolicyFeature> = new Set<PolicyFeature>([
  'authorization.pseudo-headers',
  'authorization.target-refs',
  'authorization.envoy-filter',
]);

/** All policies that are about one workload, ready to be asked. */
export interface WorkloadPolicy {
  /** Which connections a listening port takes. */
  tlsMode(port: number): TlsMode;
  /** What holds for the whole mesh. */
  readonly settings: MeshSettings;
  /** Rules of every RequestAuthentication that is about the workload, sorted by issuer; none has precedence. */
  readonly jwtRules: readonly JwtRule[];
  /** Every ServiceTokenPolicy that is about the workload, oldest first. */
  readonly serviceTokens: readonly ServiceTokenPolicy[];
  /** What its NetworkPolicies let in and out; asked beside `forConnection`, which knows nothing of them. */
  readonly network: NetworkRules;
  /** Who is cut off from the mesh; asked before anything else. */
  readonly quarantine: Quarantines;
  /** What its RateLimits say; asked after `forConnection` let a request through. */
  readonly limits: WorkloadLimits;
  /** What its RequestSignaturePolicies ask for; judged before anything else of a request. */
  readonly signatures: readonly SignatureRule[];
  /** Whether any AuthorizationPolicy about it is tried out and not enforced. */
  readonly hasDryRun: boolean;
  /** Why everything is denied; empty when every policy can be enforced. */
  readonly problems: readonly string[];
  /** Once per connection, after its handshake. */
  forConnection(connection: ConnectionAttributes): ConnectionPolicy;
}

export interface CompileInput {
  readonly workload: WorkloadRef;
  /** Those of other workloads are left out here; their order has no meaning. */
  readonly resources: readonly Resource[];
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /** Former names of the trust domain. */
  readonly trustDomainAliases?: readonly string[];
  /** What the data plane can do; {@link ENFORCED_IN_PROCESS} where absent. */
  readonly capabilities?: readonly PolicyFeature[];
}

/**
 * Compiles the policies of one workload (semantics of Istio's sidecar, for HTTP unless said otherwise). When one of them
 * cannot be enforced, everything is denied and `problems` says why: a policy is never widened or narrowed in silence.
 */
export function compileWorkloadPolicy(input: CompileInput): WorkloadPolicy {
  const { workload, rootNamespace, trustDomain, trustDomainAliases = [], capabilities = ENFORCED_IN_PROCESS } = input;
  const selected = input.resources.filter((resource) => selects(resource, workload, rootNamespace)).toSorted(byAge);
  const problems = selected.flatMap((resource) => unenforceable(resource, capabilities));
  const settings = meshSettingsOf(input.resources, rootNamespace);
  const trustDomains = { names: [...new Set([trustDomain, ...trustDomainAliases, ...settings.trustDomainAliases])] };
  const authorization = ofKind(selected, 'AuthorizationPolicy');
  const policies = problems.length > 0 ? [] : authorization;
  return new CompiledWorkloadPolicy({
    layers: layerPeerAuthentications(ofKind(selected, 'PeerAuthentication'), workload, rootNamespace),
    compiled: policies.map((policy) => compilePolicy(policy, trustDomains)),
    hasDryRun: authorization.some(isDryRun),
    problems,
    settings,
    jwtRules: ofKind(selected, 'RequestAuthentication')
      .flatMap(({ spec }) => spec.jwtRules)
      .toSorted(byIssuer),
    serviceTokens: ofKind(selected, 'ServiceTokenPolicy'),
    network: compileNetworkRules(ofKind(selected, 'NetworkPolicy'), workload),
    quarantine: compileQuarantines(
      ofKind(input.resources, 'Quarantine').filter(({ metadata }) => metadata.namespace === rootNamespace),
      workload,
      trustDomain,
    ),
    limits: compileLimits(ofKind(selected, 'RateLimit'), trustDomains),
    signatures: compileSignatureRules(ofKind(selected, 'RequestSignaturePolicy'), trustDomains),
  });
}

/**
 * A verdict, whoever gave it, with what dry-run policies make of it: a refusal that they were not asked about, by a
 * certificate, a token, an authorizer or a NetworkPolicy, stands whatever they say.
 */
export function standing(verdict: Verdict, { hasDryRun }: Pick<WorkloadPolicy, 'hasDryRun'>): Verdict {
  const isUntold = hasDryRun && verdict.decision === 'DENY' && verdict.dryRunDecision === '';
  return isUntold ? { ...verdict, dryRunDecision: 'DENY' } : verdict;
}

/** Denies everything: a data plane that never had a policy snapshot, or whose snapshot must not be used. */
export function denyAll(reason: string): WorkloadPolicy {
  const verdict = refusal(reason, 'no policy');
  const connection: ConnectionPolicy = {
    admitTransport: () => verdict,
    admit: () => verdict,
    demand: () => ({ kind: 'deny', verdict }),
    demandTcp: () => ({ kind: 'deny', verdict }),
    evaluate: () => verdict,
    evaluateTcp: () => verdict,
  };
  const mode: TlsMode = { mode: 'STRICT', policy: '', scope: 'default', describe: 'STRICT without policy' };
  return {
    settings: meshSettingsOf([], ''),
    jwtRules: [],
    serviceTokens: [],
    network: OPEN_NETWORK,
    quarantine: NO_QUARANTINE,
    limits: UNLIMITED,
    signatures: [],
    hasDryRun: false,
    problems: [reason],
    tlsMode: () => mode,
    forConnection: () => connection,
  };
}

interface WorkloadPolicyParts {
  readonly layers: PeerAuthenticationLayers;
  readonly compiled: readonly CompiledPolicy[];
  readonly hasDryRun: boolean;
  readonly problems: readonly string[];
  readonly settings: MeshSettings;
  readonly jwtRules: readonly JwtRule[];
  readonly serviceTokens: readonly ServiceTokenPolicy[];
  readonly network: NetworkRules;
  readonly quarantine: Quarantines;
  readonly limits: WorkloadLimits;
  readonly signatures: readonly SignatureRule[];
}

class CompiledWorkloadPolicy implements WorkloadPolicy {
  readonly settings: MeshSettings;
  readonly jwtRules: readonly JwtRule[];
  readonly serviceTokens: readonly ServiceTokenPolicy[];
  readonly network: NetworkRules;
  readonly quarantine: Quarantines;
  readonly limits: WorkloadLimits;
  readonly signatures: readonly SignatureRule[];
  readonly hasDryRun: boolean;
  readonly problems: readonly string[];
  readonly #layers: PeerAuthenticationLayers;
  readonly #policies: PolicySet;
  readonly #modes = new Map<number, TlsMode>();
  readonly #connections: ConnectionCache<ConnectionPolicy>;

  constructor(parts: WorkloadPolicyParts) {
    this.settings = parts.settings;
    this.jwtRules = parts.jwtRules;
    this.serviceTokens = parts.serviceTokens;
    this.network = parts.network;
    this.quarantine = parts.quarantine;
    this.limits = parts.limits;
    this.signatures = parts.signatures;
    this.hasDryRun = parts.hasDryRun;
    this.problems = parts.problems;
    this.#layers = parts.layers;
    this.#policies = new PolicySet(parts.compiled, parts.settings.providers);
    this.#connections = new ConnectionCache(parts.compiled, (attributes) => this.#narrow(attributes));
  }

  tlsMode(port: number): TlsMode {
    let mode = this.#modes.get(port);
    if (mode === undefined) {
      mode = resolveTlsMode(this.#layers, port);
      this.#modes.set(port, mode);
    }
    return mode;
  }

  forConnection(attributes: ConnectionAttributes): ConnectionPolicy {
    return this.#connections.of(attributes);
  }

  #narrow(attributes: ConnectionAttributes): ConnectionPolicy {
    const tls = this.tlsMode(attributes.destinationPort);
    const mode = `${attributes.principal === undefined ? 'plaintext' : 'mTLS'} ${tls.describe}`;
    const refusal = this.#refusal(attributes, tls, mode);
    return new PolicedConnection({
      policies: this.#policies,
      facts: factsOf(attributes),
      mode,
      refusal: refusal && Object.freeze(standing(refusal, this)),
    });
  }

  #refusal(attributes: ConnectionAttributes, tls: TlsMode, mode: string): Verdict | undefined {
    if (this.problems.length > 0) return refusal(this.problems.join('; '), mode);
    if (tls.mode !== 'STRICT' || attributes.principal !== undefined) return undefined;
    const reason = `plaintext refused: PeerAuthentication ${tls.policy} asks for mutual TLS on port ${attributes.destinationPort}`;
    return refusal(reason, mode, tls.policy);
  }
}

function ofKind<K extends ResourceKind>(
  resources: readonly Resource[],
  kind: K,
): Extract<Resource, { readonly kind: K }>[] {
  return resources.filter((resource): resource is Extract<Resource, { readonly kind: K }> => resource.kind === kind);
}

function byIssuer(a: JwtRule, b: JwtRule): number {
  if (a.issuer === b.issuer) return 0;
  return a.issuer < b.issuer ? -1 : 1;
}

function unenforceable(resource: Resource, capabilities: readonly PolicyFeature[]): string[] {
  return requiredFeatures(resource)
    .filter(({ feature }) => !capabilities.includes(feature) || UNDECIDABLE.has(feature))
    .map(({ feature, field }) => {
      const name = `${resource.kind} ${qualifiedName(resource)}`;
      return `${name} cannot be enforced here, so everything is denied: ${field} needs ${feature}`;
    });
}

function refusal(reason: string, mode: string, policy = ''): Verdict {
  return verdictOf({ decision: 'DENY', policy, rule: -1, action: '', reason, mode });
}
