import { isDeepStrictEqual } from 'node:util';
import { type RegistryIdentity, sharedNameOf } from '../admission/identity.ts';
import type { CheckDefinition } from '../health/check.ts';
import { checkDefinitions } from '../health/check-definition.ts';
import type { Instance, Weights } from '../store.ts';
import { givenIdOf } from './owned-id.ts';
import type { RegistrationRequest } from './registration.ts';

/** What most instances have; shared, because there may be many of them. */
const NO_TAGS: readonly string[] = Object.freeze([]);
const NO_TEXTS: Readonly<Record<string, string>> = Object.freeze({});
const NO_CHECKS: readonly CheckDefinition[] = Object.freeze([]);
const EVEN_WEIGHTS: Weights = Object.freeze({ passing: 1, warning: 1 });

/** The instance that a checked request describes. */
export function instanceOf(who: RegistryIdentity, request: RegistrationRequest, registeredAt: number): Instance {
  const { service, namespace, instanceId, host, port, protocol, labels, weights, locality, version, leaseMs } = request;
  const { tags = NO_TAGS, metadata = NO_TEXTS, checks = [], deregisterCriticalAfterMs } = request;
  // What may be missing comes last and one by one: an object with spreads in its middle takes longer to make and more to keep.
  const instance: { -readonly [Field in keyof Instance]: Instance[Field] } = {
    instanceId,
    service,
    namespace,
    identity: request.identity ?? (who.kind === 'spiffe' ? who.id.toString() : ''),
    owner: sharedNameOf(who),
    host,
    port,
    protocol,
    labels: textsOf(labels),
    tags: tags.length === 0 ? NO_TAGS : [...new Set(tags)],
    metadata: textsOf(metadata),
    weights: weights === undefined || isEven(weights) ? EVEN_WEIGHTS : { ...weights },
    checks: checks.length === 0 ? NO_CHECKS : checkDefinitions(givenIdOf(instanceId), checks),
    registeredAt,
  };
  const serial = serialOf(who);
  if (serial !== undefined) instance.serial = serial;
  if (leaseMs !== undefined) instance.leaseMs = leaseMs;
  if (locality !== undefined) instance.locality = { ...locality };
  if (version !== undefined) instance.version = version;
  if (deregisterCriticalAfterMs !== undefined) instance.deregisterCriticalAfterMs = deregisterCriticalAfterMs;
  return instance;
}

function serialOf(who: RegistryIdentity): string | undefined {
  return who.kind === 'spiffe' ? who.serial : undefined;
}

/** Whether both are the same registration, made at whatever time and with whichever certificate. */
export function isSame(a: Instance, b: Instance): boolean {
  const made = { registeredAt: 0, serial: '' };
  return isDeepStrictEqual({ ...a, ...made }, { ...b, ...made });
}

function textsOf(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.keys(texts).length === 0 ? NO_TEXTS : { ...texts };
}

function isEven({ passing, warning }: Weights): boolean {
  return passing === EVEN_WEIGHTS.passing && warning === EVEN_WEIGHTS.warning;
}
