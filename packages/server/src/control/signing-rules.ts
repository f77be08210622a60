import { create } from '@bufbuild/protobuf';
import { type Resource, signingRuleOf } from '@rampart/core';
import { type SigningRules, SigningRulesSchema } from '@rampart/wire';

/** What is known of resources. */
export interface HeldPolicies {
  readonly rootNamespace: string;
  resources(): readonly { readonly resource: Resource }[];
}

/** What every caller is told of the policies that ask for its signature, wherever they are. */
export function signingRules({ resources, rootNamespace }: HeldPolicies): SigningRules {
  const rules = resources().flatMap(({ resource }) =>
    resource.kind === 'RequestSignaturePolicy' ? (signingRuleOf(resource, rootNamespace) ?? []) : [],
  );
  return create(SigningRulesSchema, {
    rules: rules.map(({ policy, hosts, components }) => ({ policy, hosts: [...hosts], components: [...components] })),
  });
}
