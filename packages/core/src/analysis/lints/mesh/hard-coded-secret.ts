import type { Resource } from '../../../resource/resource.ts';
import { formatFieldPath, type FieldPath } from '../../../resource/problem.ts';
import type { Lint } from '../../lint/lint.ts';
import { hasSecretShape, looksSecret } from '../../secret-shape.ts';

const CREDENTIAL_HEADER = /authorization|api-?key|token|secret|passw|cookie|credential/i;
/** Public keys are long and random, and no secret. */
const PUBLIC_FIELDS: ReadonlySet<string> = new Set(['jwks']);

export const hardCodedSecret: Lint = {
  code: 'RAMP4004',
  name: 'hard-coded-secret',
  severity: 'error',
  title: 'a credential stands in a resource',
  find: (mesh) =>
    mesh.facts.resources.flatMap((resource) =>
      [...new Set([...headerFields(resource), ...shapedFields(resource)])].map((field) => ({
        resource,
        field,
        message:
          'holds what looks like a credential: everybody who reads the policy has it, and it cannot be changed without changing the policy. Compare a claim of a token instead, or let an external authorizer decide',
      })),
    ),
};

/** Values that a header which carries credentials is compared with. */
function headerFields(resource: Resource): readonly string[] {
  if (resource.kind === 'MeshConfig') return addedHeaders(resource);
  if (resource.kind !== 'AuthorizationPolicy') return [];
  return (resource.spec.rules ?? []).flatMap(({ when = [] }, rule) =>
    when.flatMap(({ key, values = [], notValues = [] }, index) => {
      if (!key.startsWith('request.headers[')) return [];
      const isCredential = CREDENTIAL_HEADER.test(key);
      const isSecret = (value: string): boolean =>
        looksSecret(value) || (isCredential && !value.includes('*') && value.length >= 8);
      const at = `spec.rules[${rule}].when[${index}]`;
      return [
        ...values.flatMap((value, position) => (isSecret(value) ? [`${at}.values[${position}]`] : [])),
        ...notValues.flatMap((value, position) => (isSecret(value) ? [`${at}.notValues[${position}]`] : [])),
      ];
    }),
  );
}

/** Headers that are added when an external authorizer is asked. */
function addedHeaders({ spec }: Extract<Resource, { readonly kind: 'MeshConfig' }>): readonly string[] {
  return spec.extensionProviders.flatMap(({ transport, includeAdditionalHeadersInCheck = {} }, index) =>
    Object.entries(includeAdditionalHeadersInCheck)
      .filter(([name, value]) => looksSecret(value) || CREDENTIAL_HEADER.test(name))
      .map(([name]) => {
        const provider = transport === 'http' ? 'envoyExtAuthzHttp' : 'envoyExtAuthzGrpc';
        const path = ['spec', 'extensionProviders', index, provider, 'includeAdditionalHeadersInCheck', name];
        return formatFieldPath(path);
      }),
  );
}

/** Anything anywhere that has the shape of a known kind of credential. */
function shapedFields({ metadata, spec }: Resource): readonly string[] {
  const found: string[] = [];
  const walk = (value: unknown, path: FieldPath): void => {
    if (typeof value === 'string' && hasSecretShape(value)) found.push(formatFieldPath(path));
    if (typeof value !== 'object' || value === null) return;
    const isList = Array.isArray(value);
    for (const [key, child] of Object.entries(value)) {
      if (!PUBLIC_FIELDS.has(key)) walk(child, [...path, isList ? Number(key) : key]);
    }
  };
  walk(metadata.annotations, ['metadata', 'annotations']);
  walk(spec, ['spec']);
  return found;
}
