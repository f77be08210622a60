import {
  isRevokedBy,
  isTokenRevokedBy,
  type RevocableCertificate,
  type RevocableToken,
  type RevocationRule,
} from './rule.ts';

/** Revocation rules in force. Those of one identity are found by it, so that many of them cost a handshake nothing. */
export class RevocationRuleSet {
  readonly #rules = new Map<string, RevocationRule>();
  readonly #byIdentity = new Map<string, RevocationRule[]>();
  readonly #general: RevocationRule[] = [];

  /** Adding one with a known id does nothing: rules never change. */
  add(rule: RevocationRule): void {
    if (this.#rules.has(rule.id)) return;
    this.#rules.set(rule.id, rule);
    if (rule.spiffeId === undefined) this.#general.push(rule);
    else this.#byIdentity.set(rule.spiffeId, [...(this.#byIdentity.get(rule.spiffeId) ?? []), rule]);
  }

  clear(): void {
    this.#rules.clear();
    this.#byIdentity.clear();
    this.#general.length = 0;
  }

  get(id: string): RevocationRule | undefined {
    return this.#rules.get(id);
  }

  get isEmpty(): boolean {
    return this.#rules.size === 0;
  }

  all(): readonly RevocationRule[] {
    return [...this.#rules.values()];
  }

  /** The first rule that revokes the certificate. */
  ofCertificate(certificate: RevocableCertificate): RevocationRule | undefined {
    return this.#find(certificate.spiffeId.toString(), (rule) => isRevokedBy(rule, certificate));
  }

  /** The first rule that revokes the JWT-SVID. */
  ofToken(token: RevocableToken): RevocationRule | undefined {
    return this.#find(token.spiffeId.toString(), (rule) => isTokenRevokedBy(rule, token));
  }

  #find(spiffeId: string, holds: (rule: RevocationRule) => boolean): RevocationRule | undefined {
    if (this.isEmpty) return undefined;
    return this.#byIdentity.get(spiffeId)?.find(holds) ?? this.#general.find(holds);
  }
}
