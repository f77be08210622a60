import { RampartError, type RegistryAcl, resourceKey, toJson } from '@rampart/core';
import { nameOfIdentity } from '@rampart/registry';
import type { HeldResource } from '../../../resources/resource-set.ts';
import type { AclParts } from '../acl/acl-parts.ts';
import { GLOBAL_MANAGEMENT, policyId, policyResource, policyText } from '../acl/policy.ts';
import type { Item } from '../filter/filter.ts';
import { type ConsulAnswer, jsonAnswer, textAnswer } from '../http/answer.ts';
import { bodyFields, type ConsulCall, param } from '../http/call.ts';
import type { ConsulRoutes } from '../http/route.ts';
import { contentHash } from '../model/service.ts';

/** `/v1/acl/policy…`: a policy is a RegistryAcl of the root namespace, changed where all resources are. */
export function aclPolicyRoutes(acl: AclParts): ConsulRoutes {
  return {
    'GET /v1/acl/policies': () =>
      jsonAnswer([globalManagement(), ...heldPolicies(acl).map((held) => policyFields(held, 'without rules'))]),
    'GET /v1/acl/policy/:id': (call) => shown(param(call, 'id'), acl),
    'GET /v1/acl/policy/name/:name': (call) => shown(param(call, 'name'), acl),
    'PUT /v1/acl/policy': (call) => {
      const fields = bodyFields(call);
      const name = fields.filledText('Name');
      if (name === undefined) throw fields.problem('Name', 'must be given');
      if (findPolicy(name, acl) !== undefined) {
        throw new RampartError(
          'INVALID_ARGUMENT',
          `Invalid Policy: a policy with the name ${JSON.stringify(name)} already exists`,
        );
      }
      return applied(call, acl, {
        name,
        description: fields.text('Description') ?? '',
        rules: fields.text('Rules') ?? '',
      });
    },
    'PUT /v1/acl/policy/:id': (call) => {
      const before = findPolicy(param(call, 'id'), acl);
      if (before === undefined) return notFound();
      const fields = bodyFields(call);
      const known = policyText(before.resource);
      if ((fields.filledText('Name') ?? known.name) !== known.name) {
        throw fields.problem('Name', 'cannot be changed: tokens know the policy by it');
      }
      return applied(call, acl, {
        name: known.name,
        description: fields.text('Description') ?? known.description,
        rules: fields.text('Rules') ?? known.rules,
      });
    },
    'DELETE /v1/acl/policy/:id': async (call) => {
      const found = findPolicy(param(call, 'id'), acl);
      if (found !== undefined) await acl.desk.delete([found.key], operatorOf(call));
      return jsonAnswer(true);
    },
  };
}

interface HeldPolicy extends HeldResource {
  readonly resource: RegistryAcl;
}

/** Whether there is a policy of that name or id, or which it is. */
export function findPolicy(nameOrId: string, acl: AclParts): HeldPolicy | undefined {
  return heldPolicies(acl).find(
    ({ resource: { metadata } }) => metadata.name === nameOrId || policyId(metadata.name) === nameOrId,
  );
}

export function operatorOf({ caller, sourceIp }: ConsulCall): { readonly name: string; readonly sourceIp: string } {
  return { name: nameOfIdentity(caller), sourceIp };
}

function heldPolicies({ resources, rootNamespace }: AclParts): readonly HeldPolicy[] {
  return resources.all().flatMap((held) => {
    const { resource } = held;
    return resource.kind === 'RegistryAcl' && resource.metadata.namespace === rootNamespace
      ? [{ ...held, resource }]
      : [];
  });
}

function shown(nameOrId: string, acl: AclParts): ConsulAnswer {
  if (nameOrId === GLOBAL_MANAGEMENT.id || nameOrId === GLOBAL_MANAGEMENT.name) return jsonAnswer(globalManagement());
  const found = findPolicy(nameOrId, acl);
  return found === undefined ? notFound() : jsonAnswer(policyFields(found, 'whole'));
}

async function applied(
  call: ConsulCall,
  acl: AclParts,
  text: Parameters<typeof policyResource>[0],
): Promise<ConsulAnswer> {
  const resource = policyResource(text, acl.rootNamespace);
  const { problems } = await acl.desk.apply({
    document: toJson(resource),
    file: `${text.name}.json`,
    defaultNamespace: acl.rootNamespace,
    dryRun: false,
    allowUnknownServices: false,
    operator: operatorOf(call),
  });
  const error = problems.find(({ severity }) => severity === 'error');
  if (error !== undefined)
    throw new RampartError('INVALID_ARGUMENT', `Invalid Policy: ${error.field}: ${error.message}`);
  const held = acl.resources.get(resourceKey(resource));
  return held === undefined ? notFound() : jsonAnswer(policyFields({ ...held, resource }, 'whole'));
}

function policyFields({ resource, revision }: HeldPolicy, extent: 'whole' | 'without rules'): Item {
  const { name, description, rules } = policyText(resource);
  return {
    ID: policyId(name),
    Name: name,
    Description: description,
    ...(extent === 'whole' ? { Rules: rules } : {}),
    Datacenters: null,
    Hash: contentHash(rules),
    CreateIndex: revision,
    ModifyIndex: revision,
  };
}

function globalManagement(): Item {
  const { id, name } = GLOBAL_MANAGEMENT;
  const Description = 'Everything: tokens of administrators have it';
  return { ID: id, Name: name, Description, Datacenters: null, Hash: '', CreateIndex: 1, ModifyIndex: 1 };
}

function notFound(): ConsulAnswer {
  return textAnswer(404, 'ACL not found');
}
