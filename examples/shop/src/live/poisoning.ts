import { isAbsolute } from 'node:path';
import type { Registration, RegistrationName } from '../poisoner/attempt.ts';
import { refusalBy } from '../poisoner/poison.ts';
import type { PoisonReport, Spoof } from '../poisoner/poison.ts';

/** What stops an attempt, and what to try next; as words after `rampart`. */
const NEXT: Readonly<Record<RegistrationName, { readonly stops: string; readonly next: string }>> = {
  'token of another service': {
    stops: 'rules',
    next: 'acl check token:notifications-api write service:payment-service.prod',
  },
  'token of the ops team': { stops: 'identity', next: 'audit query --type IDENTITY_MISMATCH' },
  'foreign network': { stops: 'network', next: 'audit query --type NETWORK_VIOLATION' },
};

/** How commands and paths are written for whoever reads. */
interface Way {
  readonly rampart: string;
  /** Data directory. */
  readonly data: string;
  pathOf(path: string): string;
}

/** Two lines for each attempt of the poisoner: what came of it, and what to try next. */
export function renderPoisoning({ registrations, spoof }: PoisonReport, way: Way): string[] {
  return [...registrations.flatMap((registration) => registrationLines(registration, way)), ...spoofLines(spoof, way)];
}

function registrationLines({ name, status, message, from }: Registration, { rampart }: Way): string[] {
  const { stops, next } = NEXT[name];
  const attempt = `poisoner, ${name} (${from})`;
  return [`${attempt} → payment-service.prod  ${status} ${message}  [${stops}]`, `    try ${rampart} ${next}`];
}

function spoofLines({ changed, asked, client }: Spoof, { data, pathOf }: Way): string[] {
  const spoofed = changed === undefined ? 'no answer changed' : `answer changed, ${changed.was} to ${changed.is}`;
  const refusal = refusalBy(client);
  const taken = refusal === undefined ? client.words : `not believed by its client: ${refusal}`;
  const next = asked.map((word) => (isAbsolute(word) ? pathOf(word) : word)).join(' ');
  return [
    `man in the middle, ${spoofed} → payment-service.prod  ${taken}  [signature]`,
    `    try npx rampart --data ${data} ${next}`,
  ];
}
