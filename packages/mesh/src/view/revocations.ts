import { describeRule, reasonNumber, reasonOfNumber, RevocationRuleSet } from '@rampart/spiffe';
import type { RevocableCertificate, RevocationReason } from '@rampart/spiffe';

import type { MeshUpdate } from './mesh-view.ts';

/** Which certificates are revoked, as far as this data plane was told. */
export class Revocations {
  readonly #serials = new Map<string, RevocationReason>();
  readonly #rules = new RevocationRuleSet();

  /** Why a certificate is revoked; undefined when it is not. */
  of(certificate: RevocableCertificate): string | undefined {
    const { serial, spiffeId } = certificate;
    const reason = this.#serials.get(serial);
    if (reason !== undefined) return `certificate ${serial} of ${spiffeId.toString()} is revoked (${reason})`;
    const rule = this.#rules.ofCertificate(certificate);
    return rule === undefined ? undefined : `${describeRule(rule)}: certificate ${serial} of ${spiffeId.toString()}`;
  }

  /** True when something was revoked. */
  apply(update: Pick<MeshUpdate, 'revokedSerials' | 'revocationReasons' | 'revocationRules'>): boolean {
    const { revokedSerials, revocationReasons = [], revocationRules = [] } = update;
    for (const [index, serial] of revokedSerials.entries()) {
      this.#serials.set(serial, reasonOfNumber(revocationReasons[index] ?? 0) ?? 'unspecified');
    }
    for (const rule of revocationRules) this.#rules.add(rule);
    return revokedSerials.length > 0 || revocationRules.length > 0;
  }

  /** Everything that is revoked, as one update tells it. */
  get all(): Required<Pick<MeshUpdate, 'revokedSerials' | 'revocationReasons' | 'revocationRules'>> {
    return {
      revokedSerials: [...this.#serials.keys()],
      revocationReasons: [...this.#serials.values()].map((reason) => reasonNumber(reason)),
      revocationRules: this.#rules.all(),
    };
  }

  clear(): void {
    this.#serials.clear();
    this.#rules.clear();
  }
}
