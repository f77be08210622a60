import { attestorProblem } from '@rampart/authority';
import { type Attestor, qualifiedName, type RegistrationEntry, type Resource, SpiffeId } from '@rampart/core';
import type { Objection } from '@rampart/core/documents';

/** What identities this control plane can give out. */
export interface IssuingRules {
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

/** The control plane's own service account in the root namespace: no workload may be it. */
export const SERVER_ACCOUNT = 'rampart-server';

/** Why nobody can be given an identity by a resource, by field; empty for every other kind of resource. */
export function unissuable(resource: Resource, rules: IssuingRules): Objection[] {
  if (resource.kind === 'RegistrationEntry') {
    return entryObjections(resource, rules);
  }
  return resource.kind === 'Attestor' ? attestorObjections(resource) : [];
}

function attestorObjections(attestor: Attestor): Objection[] {
  const problem = attestorProblem(attestor);
  if (problem === undefined) {
    return [];
  }
  const { field, message } = problem;
  return [{ code: 'INVALID_RESOURCE', message: `Attestor ${qualifiedName(attestor)}: ${message}`, field }];
}

function entryObjections(entry: RegistrationEntry, { trustDomain, rootNamespace }: IssuingRules): Objection[] {
  const id = SpiffeId.of(entry.spec.spiffeId);
  const name = `RegistrationEntry ${qualifiedName(entry)}`;
  const field = 'spec.spiffeId';
  if (id.trustDomain.name !== trustDomain) {
    const message = `${name} names trust domain ${id.trustDomain.name}: only identities of ${trustDomain} are given out here`;
    return [{ code: 'INVALID_RESOURCE', message, field }];
  }
  if (id.namespace === rootNamespace && id.serviceAccount === SERVER_ACCOUNT) {
    const message = `${name} names the control plane itself: choose another service account`;
    return [{ code: 'INVALID_RESOURCE', message, field }];
  }
  return [];
}
