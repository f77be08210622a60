import { ok } from '@rampart/core';
import type { JwtProfile, Result } from '@rampart/core';
import { disbelieve } from '../evidence.ts';
import type { EvidenceProblem } from '../evidence.ts';
import { objectAt, textOf } from './claims.ts';
import type { Claims } from './claims.ts';

/** What the claims of a token say by the rules of its issuer. */
export interface ProfiledClaims {
  /** "k8s:ns:prod"; those of `jwt:` are added for every profile. */
  readonly selectors: readonly string[];
  /** What tells one agent from the next: a node, a machine, a job. */
  readonly holder: string;
}

type Profile = (claims: Claims, attestor: string) => Result<ProfiledClaims, EvidenceProblem>;

const PROFILES: Readonly<Record<JwtProfile, Profile>> = {
  generic: (claims) => ok({ selectors: [], holder: textOf(claims, 'sub') ?? '' }),
  kubernetes,
  gcp,
  azure,
  github: (claims) =>
    ok({ selectors: named('github', claims, GITHUB), holder: jobOf(claims, 'run_id', 'run_attempt') }),
  gitlab: (claims) => ok({ selectors: named('gitlab', claims, GITLAB), holder: jobOf(claims, 'job_id') }),
};

export function profiledClaims(
  profile: JwtProfile,
  claims: Claims,
  attestor: string,
): Result<ProfiledClaims, EvidenceProblem> {
  return PROFILES[profile](claims, attestor);
}

/** https://docs.github.com/en/actions/reference/security/oidc */
const GITHUB = [
  'repository',
  'repository_id',
  'repository_owner',
  'repository_owner_id',
  'repository_visibility',
  'ref',
  'ref_type',
  'ref_protected',
  'workflow_ref',
  'job_workflow_ref',
  'environment',
  'event_name',
  'actor',
  'runner_environment',
] as const;
/** https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload */
const GITLAB = [
  'namespace_id',
  'namespace_path',
  'project_id',
  'project_path',
  'ref',
  'ref_type',
  'ref_protected',
  'environment',
  'environment_protected',
  'pipeline_source',
  'user_login',
  'ci_config_ref_uri',
] as const;

/** Projected service-account tokens (Kubernetes KEP-1205): the `kubernetes.io` claim, which must agree with `sub`. */
function kubernetes(claims: Claims, attestor: string): Result<ProfiledClaims, EvidenceProblem> {
  const bound = objectAt(claims, 'kubernetes.io');
  const namespace = textOf(bound, 'namespace');
  const account = textOf(objectAt(bound, 'serviceaccount'), 'name');
  if (
    namespace === undefined ||
    account === undefined ||
    claims['sub'] !== `system:serviceaccount:${namespace}:${account}`
  ) {
    return disbelieve('jwt-claims', 'the token is no projected token of a Kubernetes service account');
  }
  const [pod, node] = [objectAt(bound, 'pod'), objectAt(bound, 'node')];
  const facts = [
    ['cluster', attestor],
    ['ns', namespace],
    ['sa', account],
    ['sa-uid', textOf(objectAt(bound, 'serviceaccount'), 'uid')],
    ['pod-name', textOf(pod, 'name')],
    ['pod-uid', textOf(pod, 'uid')],
    ['node-name', textOf(node, 'name')],
    ['node-uid', textOf(node, 'uid')],
  ] as const;
  return ok({
    selectors: facts.flatMap(selectorOf('k8s')),
    holder: textOf(node, 'uid') ?? textOf(pod, 'uid') ?? claims['sub'],
  });
}

/** Identity tokens of Compute Engine (https://cloud.google.com/compute/docs/instances/verifying-instance-identity). */
function gcp(claims: Claims): Result<ProfiledClaims, EvidenceProblem> {
  const machine = objectAt(claims, 'google', 'compute_engine');
  const facts = [
    ['project-id', textOf(machine, 'project_id')],
    ['project-number', textOf(machine, 'project_number')],
    ['zone', textOf(machine, 'zone')],
    ['instance-id', textOf(machine, 'instance_id')],
    ['instance-name', textOf(machine, 'instance_name')],
    ['service-account', claims['email_verified'] === true ? textOf(claims, 'email') : undefined],
  ] as const;
  return ok({
    selectors: facts.flatMap(selectorOf('gcp')),
    holder: textOf(machine, 'instance_id') ?? textOf(claims, 'sub') ?? '',
  });
}

const AZURE_RESOURCE =
  /^\/subscriptions\/([^/]+)\/resource[Gg]roups\/([^/]+)\/providers\/(Microsoft\.(?:Compute\/virtualMachines|Compute\/virtualMachineScaleSets|ManagedIdentity\/userAssignedIdentities))\/([^/]+)$/;
const AZURE_KINDS: Readonly<Record<string, string>> = {
  'Microsoft.Compute/virtualMachines': 'vm-name',
  'Microsoft.Compute/virtualMachineScaleSets': 'vmss-name',
  'Microsoft.ManagedIdentity/userAssignedIdentities': 'identity-name',
};

/** Tokens of managed identities (claims of Microsoft Entra ID, `xms_mirid` for the resource they are bound to). */
function azure(claims: Claims): Result<ProfiledClaims, EvidenceProblem> {
  const tenant = textOf(claims, 'tid');
  const object = textOf(claims, 'oid');
  if (tenant === undefined || object === undefined) {
    return disbelieve('jwt-claims', 'the token of Microsoft Entra ID names no tenant (tid) or no object (oid)');
  }
  const [, subscription, group, kind = '', name] = AZURE_RESOURCE.exec(textOf(claims, 'xms_mirid') ?? '') ?? [];
  const facts = [
    ['tenant-id', tenant],
    ['object-id', object],
    ['app-id', textOf(claims, 'azp') ?? textOf(claims, 'appid')],
    ['subscription-id', subscription],
    ['resource-group', group],
    [AZURE_KINDS[kind] ?? 'name', name],
  ] as const;
  return ok({ selectors: facts.flatMap(selectorOf('azure')), holder: object });
}

function named(type: string, claims: Claims, names: readonly string[]): string[] {
  return names.map((name) => [name.replaceAll('_', '-'), textOf(claims, name)] as const).flatMap(selectorOf(type));
}

function jobOf(claims: Claims, ...names: readonly string[]): string {
  return [textOf(claims, 'sub') ?? '', ...names.map((name) => textOf(claims, name) ?? '')].join('/');
}

function selectorOf(type: string): (fact: readonly [name: string, value: string | undefined]) => string[] {
  return ([name, value]) => (value === undefined ? [] : [`${type}:${name}:${value}`]);
}
