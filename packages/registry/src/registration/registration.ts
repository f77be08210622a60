import { isIP } from 'node:net';
import { fail, inIpBlock, ok, parseIpAddress, parseIpBlock, RampartError } from '@rampart/core';
import type { Result } from '@rampart/core';
import type { CheckRequest } from '../health/check-request.ts';
import { checkProblems } from '../health/check-problems.ts';
import type { Locality, Weights } from '../store.ts';
import { traitProblems } from './traits.ts';

/** What an instance says about itself. */
export interface RegistrationRequest {
  /** DNS label (RFC 1123) that is not a number. */
  readonly service: string;
  /** DNS label (RFC 1123). */
  readonly namespace: string;
  /** 1–253 of `A–Z a–z 0–9 . _ : -`, unique in the mesh. */
  readonly instanceId: string;
  /** IPv4 or IPv6 literal (no zone, not the unspecified address) or host name (RFC 1123). */
  readonly host: string;
  /** 1–65535. */
  readonly port: number;
  /** Lower-case name of 1–15 letters, digits and hyphens: "http", "grpc", "tcp". */
  readonly protocol: string;
  /** At most 64, in the syntax of Kubernetes labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** At most 64 of 1–128 characters, none of them a control character. */
  readonly tags?: readonly string[];
  /** At most 64; keys of 1–128 letters, digits, ".", "_", "/" and "-", values of at most 512 characters (Consul). */
  readonly metadata?: Readonly<Record<string, string>>;
  /** 1 and 1 unless given. */
  readonly weights?: Weights;
  readonly locality?: Locality;
  /** In the syntax of Kubernetes label values. */
  readonly version?: string;
  /** At most 16. */
  readonly checks?: readonly CheckRequest[];
  /** A minute at least (Consul), 30 days at most; never unless given. */
  readonly deregisterCriticalAfterMs?: number;
  /** A second to a day; 0: until it is deregistered; the registry's own period unless given. */
  readonly leaseMs?: number;
  /** SPIFFE ID that must answer there, when it is not the one of whoever registers; "" for what is no part of the mesh. */
  readonly identity?: string;
  /** Address that the request came from, for the audit record. */
  readonly sourceIp?: string;
  /** Where another owner has an instance of that id, this one is kept apart from it instead of being refused. */
  readonly mayBeApart?: boolean;
}

export interface DeregistrationRequest {
  /** In words, for the audit record. */
  readonly reason: string;
  /** Address that the request came from, for the audit record. */
  readonly sourceIp?: string;
}

const MAX_LABELS = 64;
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const HOST_LABEL = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const DIGITS = /^[0-9]+$/;
const INSTANCE_ID = /^[A-Za-z0-9._:-]{1,253}$/;
const PROTOCOL = /^[a-z][a-z0-9-]{0,14}$/;
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
const LABEL_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

type Check = (request: RegistrationRequest) => string | undefined;

/** What each field must be; the text completes "<field> …". */
const CHECKS: readonly (readonly [field: keyof RegistrationRequest, check: Check])[] = [
  ['service', ({ service }) => dnsLabelProblem(service) ?? (DIGITS.test(service) ? 'must not be a number' : undefined)],
  ['namespace', ({ namespace }) => dnsLabelProblem(namespace)],
  [
    'instanceId',
    ({ instanceId }) =>
      INSTANCE_ID.test(instanceId) ? undefined : 'must be 1 to 253 of the characters A-Z a-z 0-9 . _ : -',
  ],
  ['host', ({ host }) => hostProblem(host)],
  [
    'port',
    ({ port }) =>
      Number.isInteger(port) && port >= 1 && port <= 65_535 ? undefined : 'must be a whole number from 1 to 65535',
  ],
  [
    'protocol',
    ({ protocol }) =>
      PROTOCOL.test(protocol) ? undefined : 'must be a lower-case name of at most 15 characters, such as "http"',
  ],
];

/** Every problem of the request in one `INVALID_ARGUMENT`, each with the name of its field. */
export function checkRegistration(request: RegistrationRequest): Result<RegistrationRequest, RampartError> {
  const problems: string[] = [];
  for (const [field, check] of CHECKS) {
    const problem = check(request);
    if (problem !== undefined) problems.push(`${field} ${problem}`);
  }
  problems.push(...labelProblems(request.labels), ...traitProblems(request), ...checkProblems(request.checks ?? []));
  if (problems.length === 0) return ok(request);
  return fail(new RampartError('INVALID_ARGUMENT', `this registration was refused: ${problems.join('; ')}`));
}

function named(field: string, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`${field} ${problem}`];
}

function dnsLabelProblem(text: string): string | undefined {
  if (DNS_LABEL.test(text)) return undefined;
  return 'must be a DNS label: 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end';
}

function hostProblem(host: string): string | undefined {
  const version = isIP(host);
  if (version === 6 && host.includes('%')) return 'must be an IPv6 address without a zone';
  if (version !== 0) return addressProblem(host);
  return isHostName(host) ? undefined : 'must be an IP address or a host name (RFC 1123)';
}

/** Addresses where no service can be: above all link-local ones, behind which clouds keep their metadata. */
const NOWHERE = ['169.254.0.0/16', '224.0.0.0/3', 'fe80::/10', 'ff00::/8'].map((text) => {
  const block = parseIpBlock(text);
  if (!block.ok) throw new RampartError('INTERNAL', `BUG: ${block.problem}`);
  return block.value;
});

function addressProblem(address: string): string | undefined {
  if (isUnspecified(address)) return 'must be an address that can be dialled, not the unspecified one';
  // Also reads IPv4 addresses that are written as IPv6 ones.
  const parsed = parseIpAddress(address);
  if (parsed !== undefined && !NOWHERE.some((block) => inIpBlock(block, parsed))) return undefined;
  return 'must be an address of a host, not a link-local, multicast or reserved one';
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || /^[0:]+$/.test(address) || /^[0:]+:0\.0\.0\.0$/.test(address);
}

function isHostName(host: string): boolean {
  const labels = host.split('.');
  // RFC 1123 §2.1: a name whose last label is a number would be read as an address.
  return host.length <= 253 && labels.every((label) => HOST_LABEL.test(label)) && !DIGITS.test(labels.at(-1) ?? '');
}

function labelProblems(labels: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) return [`labels must be at most ${MAX_LABELS}, there are ${entries.length}`];
  return entries.flatMap(([key, value]) => [
    ...named(
      `labels[${JSON.stringify(key)}]`,
      isLabelKey(key) ? undefined : 'must have a name in the syntax of Kubernetes labels',
    ),
    ...named(
      `labels[${JSON.stringify(key)}]`,
      isLabelValue(value) ? undefined : 'must be at most 63 letters, digits, ".", "_" and "-"',
    ),
  ]);
}

function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  const prefix = key.slice(0, Math.max(slash, 0));
  const prefixed = slash === -1 || (prefix.length <= 253 && prefix.split('.').every((label) => DNS_LABEL.test(label)));
  return prefixed && LABEL_NAME.test(key.slice(slash + 1));
}

function isLabelValue(value: string): boolean {
  return value === '' || LABEL_NAME.test(value);
}
