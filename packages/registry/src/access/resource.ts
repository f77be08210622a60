import { fail, ok, type Result } from '@rampart/core';

/** What a question is about: a service with its instances, or a whole namespace. */
export interface RegistryResource {
  readonly namespace: string;
  /** Absent: everything in the namespace. */
  readonly service?: string;
}

const SERVICE =
  /^service:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?))?(?:\/\*)?$/;
const NAMESPACE = /^namespace:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\/\*)?$/;

/** "service:payment.prod", "namespace:prod/*": how records and people name it. */
export function resourceText({ namespace, service }: RegistryResource): string {
  return service === undefined ? `namespace:${namespace}/*` : `service:${service}.${namespace}`;
}

/** Reads `service:NAME[.NAMESPACE][/*]` and `namespace:NAME[/*]`. */
export function parseResourceText(text: string, standardNamespace: string): Result<RegistryResource, string> {
  const [, service, namespace = standardNamespace] = SERVICE.exec(text) ?? [];
  if (service !== undefined) return ok({ service, namespace });
  const [, whole] = NAMESPACE.exec(text) ?? [];
  if (whole !== undefined) return ok({ namespace: whole });
  return fail('must be service:NAME, service:NAME.NAMESPACE or namespace:NAME/*');
}
