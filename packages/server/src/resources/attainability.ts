import { qualifiedName, type RegistrationEntry, type Resource } from '@rampart/core';
import type { Objection } from '@rampart/core/documents';

/** The longest lives that this control plane gives, in milliseconds. */
export interface LongestLives {
  readonly certificateMs: number;
  readonly tokenMs: number;
}

const HOUR_MS = 3_600_000;

/** Lives that an entry asks for and that nothing here is given. Where one is on record all the same, it gets the longest there is. */
export function unattainable(resource: Resource, { certificateMs, tokenMs }: LongestLives): Objection[] {
  if (resource.kind !== 'RegistrationEntry') return [];
  const { x509SvidTtlMs = 0, jwtSvidTtlMs = 0 } = resource.spec;
  return [
    ...(x509SvidTtlMs > certificateMs
      ? [objection(resource, 'spec.x509SvidTtl', `certificates live ${hours(certificateMs)} at most here`)]
      : []),
    ...(jwtSvidTtlMs > tokenMs
      ? [objection(resource, 'spec.jwtSvidTtl', `tokens live ${hours(tokenMs)} at most here`)]
      : []),
  ];
}

function objection(entry: RegistrationEntry, field: string, limit: string): Objection {
  const message = `RegistrationEntry ${qualifiedName(entry)} asks for more than can be had: ${limit}; ask for less`;
  return { code: 'INVALID_RESOURCE', message, field };
}

function hours(milliseconds: number): string {
  return `${Number((milliseconds / HOUR_MS).toFixed(2))}h`;
}
