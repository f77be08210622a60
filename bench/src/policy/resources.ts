import { parseResource, type Resource } from '@rampart/core';

import type { WorldPolicy } from './world.ts';

/** The policy as a user would have written it. */
export function resourceOf({ name, namespace, app, action, rules }: WorldPolicy): Resource {
  const parsed = parseResource({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace },
    spec: {
      action,
      ...(app === undefined ? {} : { selector: { matchLabels: { app } } }),
      rules: rules.map(({ principals, namespaces, methods, paths }) => ({
        from: [{ source: { ...(principals && { principals }), ...(namespaces && { namespaces }) } }],
        to: [{ operation: { ...(methods && { methods }), paths } }],
      })),
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
  return parsed.value;
}
