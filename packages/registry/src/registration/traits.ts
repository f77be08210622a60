import { SpiffeId } from '@rampart/core';
import type { RegistrationRequest } from './registration.ts';

const MOST = 64;
const LONGEST_TAG = 128;
const METADATA_KEY = /^[A-Za-z0-9._/-]{1,128}$/;
const LONGEST_VALUE = 512;
const PLACE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const HEAVIEST = 65_535;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const CONTROL = /[\u0000-\u001f\u007f]/;

type Check = (request: RegistrationRequest) => string | undefined;

const CHECKS: readonly (readonly [field: keyof RegistrationRequest, check: Check])[] = [
  ['tags', ({ tags = [] }) => tagsProblem(tags)],
  ['metadata', ({ metadata = {} }) => metadataProblem(Object.entries(metadata))],
  ['weights', ({ weights }) => (weights === undefined ? undefined : weightsProblem(weights))],
  ['locality', ({ locality }) => (locality === undefined ? undefined : localityProblem(locality))],
  [
    'version',
    ({ version }) =>
      version === undefined || PLACE.test(version)
        ? undefined
        : 'must be 1 to 63 letters, digits, ".", "_" and "-", beginning and ending with a letter or digit',
  ],
  [
    'deregisterCriticalAfterMs',
    ({ deregisterCriticalAfterMs: after }) =>
      after === undefined || isWithin(after, MINUTE_MS, 30 * DAY_MS) ? undefined : 'must be a minute to 30 days',
  ],
  [
    'leaseMs',
    ({ leaseMs }) =>
      leaseMs === undefined || leaseMs === 0 || isWithin(leaseMs, 1000, DAY_MS)
        ? undefined
        : 'must be a second to a day, or 0 for no end',
  ],
  [
    'identity',
    ({ identity = '' }) =>
      identity === '' || SpiffeId.parse(identity).ok ? undefined : 'must be a SPIFFE ID, or empty for none',
  ],
];

/** What is wrong with the fields that an instance may have and need not, each with the name of its field. */
export function traitProblems(request: RegistrationRequest): string[] {
  const problems: string[] = [];
  for (const [field, check] of CHECKS) {
    const problem = check(request);
    if (problem !== undefined) problems.push(`${field} ${problem}`);
  }
  return problems;
}

function tagsProblem(tags: readonly string[]): string | undefined {
  if (tags.length > MOST) return `must be at most ${MOST}, there are ${tags.length}`;
  const isGood = (tag: string): boolean => tag.length >= 1 && tag.length <= LONGEST_TAG && isText(tag);
  return tags.every(isGood) ? undefined : `must each be 1 to ${LONGEST_TAG} characters without control characters`;
}

function metadataProblem(entries: readonly (readonly [key: string, value: string])[]): string | undefined {
  if (entries.length > MOST) return `must be at most ${MOST}, there are ${entries.length}`;
  const badKey = entries.find(([key]) => !METADATA_KEY.test(key))?.[0];
  if (badKey !== undefined)
    return `must have keys of 1 to 128 letters, digits, ".", "_", "/" and "-", not ${JSON.stringify(badKey.slice(0, 140))}`;
  const badValue = entries.find(([, value]) => value.length > LONGEST_VALUE || !value.isWellFormed())?.[0];
  return badValue === undefined
    ? undefined
    : `must have values of at most ${LONGEST_VALUE} characters; see ${badValue}`;
}

function weightsProblem({ passing, warning }: NonNullable<RegistrationRequest['weights']>): string | undefined {
  if (isWithin(passing, 1, HEAVIEST) && isWithin(warning, 0, HEAVIEST)) return undefined;
  return `must be whole numbers up to ${HEAVIEST}, that of passing not 0`;
}

function localityProblem({ region, zone }: NonNullable<RegistrationRequest['locality']>): string | undefined {
  if (PLACE.test(region) && (zone === undefined || PLACE.test(zone))) return undefined;
  return 'must have a region, and may have a zone, of 1 to 63 letters, digits, ".", "_" and "-"';
}

function isText(text: string): boolean {
  return text.isWellFormed() && !CONTROL.test(text);
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
