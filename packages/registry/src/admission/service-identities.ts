import { compileGlob, fillPattern, parseIdentityPattern, type ServiceIdentityPattern, SpiffeId } from '@rampart/core';
import { matchesIdentity } from '../access/caller.ts';
import type { RegistryIdentity } from './identity.ts';

interface Registered {
  readonly service: string;
  readonly namespace: string;
}

/** Whether an entry of the settings is about a service. */
export type Covers = (registered: Registered) => boolean;

export function coversOf({
  service,
  namespace = '*',
}: {
  readonly service: string;
  readonly namespace?: string;
}): Covers {
  const [ofService, ofNamespace] = [compileGlob(service), compileGlob(namespace)];
  return (registered) => ofService(registered.service) && ofNamespace(registered.namespace);
}

/** Which identity belongs to which service. */
export class ServiceIdentities {
  readonly #patterns: readonly { readonly covers: Covers; readonly pattern: string }[];
  readonly #isWritten: boolean;

  /** @param options `isWritten`: rules say who may register what, and a service account's name may stand for a service. */
  constructor(patterns: readonly ServiceIdentityPattern[], options: { readonly isWritten: boolean }) {
    this.#patterns = patterns.map((entry) => ({ covers: coversOf(entry), pattern: entry.pattern }));
    this.#isWritten = options.isWritten;
  }

  /**
   * Whether an identity may stand behind a service. Where patterns are configured for the service, one of them must match. Where
   * none is, the identity must be of the namespace and either attested as the service or, where rules are written, of the service
   * account of its name; a token must have the name of the service. Operators register for others: patterns are held against the
   * identity that they say will answer there, too.
   */
  matches(who: RegistryIdentity, registered: Registered & { readonly identity?: string }): boolean {
    const configured = this.#patterns.filter(({ covers }) => covers(registered));
    if (configured.length === 0) return this.#matchesByName(who, registered);
    const answering = who.kind === 'operator' ? answeringIdentity(registered.identity) : undefined;
    return configured.some(({ pattern }) => {
      const parsed = parseIdentityPattern(fillPattern(pattern, registered));
      if (!parsed.ok) return false;
      return (
        matchesIdentity(parsed.value, who) || (answering !== undefined && matchesIdentity(parsed.value, answering))
      );
    });
  }

  #matchesByName(who: RegistryIdentity, { service, namespace }: Registered): boolean {
    if (who.kind === 'operator') return true;
    if (who.kind === 'token') return who.name === service;
    if (who.kind !== 'spiffe' || who.id.namespace !== namespace) return false;
    if (who.service === service) return true;
    return this.#isWritten ? who.id.serviceAccount === service : who.service === undefined;
  }
}

function answeringIdentity(text: string | undefined): RegistryIdentity | undefined {
  const id = text === undefined ? undefined : SpiffeId.parse(text);
  return id?.ok === true ? { kind: 'spiffe', id: id.value } : undefined;
}
