import { type RequestSignaturePolicy, qualifiedName } from '../../resource/resource.ts';
import { parseServiceName, serviceHost } from '../../service-name.ts';
import { compileMatches, type RequestTest } from '../limit/request-test.ts';
import { compilePrincipals, type TrustDomains } from '../match/identity.ts';
import type { TextTest } from '../match/text-patterns.ts';

/** What is covered where a policy does not say. */
const COMPONENTS: readonly string[] = ['authorization'];
const MAX_AGE_MS = 60_000;
const MAX_BODY_BYTES = 1_048_576;

/** One RequestSignaturePolicy, ready to be asked. */
export interface SignatureRule {
  /** "namespace/name". */
  readonly policy: string;
  /** Equal for rules that ask the same. */
  readonly identity: string;
  readonly isAbout: RequestTest;
  /** Whether an identity ("cluster.local/ns/web/sa/frontend") may sign. */
  readonly isSigner: TextTest;
  readonly components: readonly string[];
  readonly maxAgeMs: number;
  readonly maxBodyBytes: number;
  /** Whether an instance's own memory is enough while nobody else says whether a signature came before. */
  readonly failOpen: boolean;
}

/** How data planes sign what goes to some services. */
export interface SigningRule {
  /** "namespace/name" of the policy that asks for it. */
  readonly policy: string;
  /** As `serviceHost` writes them. */
  readonly hosts: readonly string[];
  readonly components: readonly string[];
}

export function compileSignatureRules(
  policies: readonly RequestSignaturePolicy[],
  domains: TrustDomains,
): readonly SignatureRule[] {
  return policies.map((policy) => {
    const { match, signers, components, maxAgeMs, maxBodyBytes, failOpen } = policy.spec;
    return {
      policy: qualifiedName(policy),
      identity: JSON.stringify([qualifiedName(policy), policy.spec]),
      isAbout: compileMatches(match, domains),
      isSigner: compilePrincipals(signers, domains),
      components: components ?? COMPONENTS,
      maxAgeMs: maxAgeMs ?? MAX_AGE_MS,
      maxBodyBytes: maxBodyBytes ?? MAX_BODY_BYTES,
      failOpen: failOpen ?? false,
    };
  });
}

/**
 * What a policy asks of callers, in every namespace: that they sign what goes to services of its own namespace, or, from the root
 * namespace, to any. Undefined where it names none.
 */
export function signingRuleOf(policy: RequestSignaturePolicy, rootNamespace: string): SigningRule | undefined {
  const { namespace } = policy.metadata;
  const hosts = (policy.spec.hosts ?? []).flatMap((host) => {
    const service = parseServiceName(host, namespace);
    const isIts = service !== undefined && (service.namespace === namespace || namespace === rootNamespace);
    return isIts ? [serviceHost(service)] : [];
  });
  if (hosts.length === 0) return undefined;
  return { policy: qualifiedName(policy), hosts, components: policy.spec.components ?? COMPONENTS };
}
