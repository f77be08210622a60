import { SpiffeId } from '../../identity/spiffe-id.ts';
import { TrustDomain } from '../../identity/trust-domain.ts';
import type { Cursor } from '../cursor.ts';
import { formatDuration, readDuration } from '../duration.ts';
import { labelNameProblem, labelValueProblem } from '../metadata/label-syntax.ts';
import { parsesWith, textList } from '../text-list.ts';
import {
  areOfOneEvidence,
  deadSelectorReason,
  isEvidenceSelector,
  selectorTextProblem,
  selectorTypeOf,
} from './selector-text.ts';

/** Who gets which identity: whoever is attested with all of the selectors. */
export interface RegistrationEntrySpec {
  /** The identity: any path of the trust domain but /agent/…, which agents have. */
  readonly spiffeId: string;
  /** SPIFFE ID of the only agent that may hand it out; absent: any agent, or direct attestation. */
  readonly parentId?: string;
  /** "type:value", at least one; all must hold. */
  readonly selectors: readonly string[];
  /** The service its workloads are instances of. */
  readonly service?: string;
  /** What its workloads carry as labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly dnsNames?: readonly string[];
  readonly x509SvidTtlMs?: number;
  readonly jwtSvidTtlMs?: number;
  /** Trust domains whose bundles its workloads are told. */
  readonly federatesWith?: readonly string[];
  /** Whoever holds the identity may do with the mesh what an operator may; only in the root namespace. */
  readonly admin?: boolean;
  /** Tells several identities of one workload apart (SPIFFE Workload API §5.2.1). */
  readonly hint?: string;
  /** Unix milliseconds from which it gives nothing any more. */
  readonly expiresAt?: number;
}

interface SpecFields extends Omit<RegistrationEntrySpec, 'x509SvidTtlMs' | 'jwtSvidTtlMs'> {
  readonly x509SvidTtl: number;
  readonly jwtSvidTtl: number;
}

const MAX_SELECTORS = 64;
const MAX_DNS_NAMES = 64;
const MAX_LABELS = 64;
const MAX_FEDERATED = 256;
const MAX_HINT = 1024;
const WEEK_MS = 7 * 86_400_000;
/** 90 days: the longest life of any profile of certificates. How much of that is given is up to the control plane. */
const LONGEST_X509_MS = 90 * 86_400_000;
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

export function readRegistrationEntrySpec(at: Cursor): RegistrationEntrySpec | undefined {
  const fields = at.fields<SpecFields>({
    spiffeId: (id) => id.checked(workloadIdProblem),
    parentId: (id) => id.checked(agentIdProblem),
    selectors: readSelectors,
    service: (service) => service.checked(dnsLabelProblem),
    labels: readLabels,
    dnsNames: (names) => atMost(names, MAX_DNS_NAMES, textList(dnsNameProblem)(names)),
    x509SvidTtl: readX509Ttl,
    jwtSvidTtl: readTtl,
    federatesWith: (names) =>
      atMost(names, MAX_FEDERATED, textList(parsesWith((text) => TrustDomain.parse(text)))(names)),
    admin: (flag) => flag.flag(),
    hint: (hint) =>
      hint.checked((text) => (text.length > MAX_HINT ? `must be at most ${MAX_HINT} characters` : undefined)),
    expiresAt: readTime,
  });
  if (fields === undefined) return undefined;
  for (const [required, what] of [
    ['spiffeId', 'a spiffeId: the identity it gives'],
    ['selectors', 'selectors: what holds of those who get it'],
  ] as const) {
    if (at.child(required).value === undefined) at.error(`needs ${what}`);
  }
  const { spiffeId, selectors, x509SvidTtl, jwtSvidTtl, ...rest } = fields;
  if (spiffeId === undefined || selectors === undefined) return undefined;
  const spec: RegistrationEntrySpec = {
    ...rest,
    spiffeId,
    selectors,
    ...(x509SvidTtl === undefined ? {} : { x509SvidTtlMs: x509SvidTtl }),
    ...(jwtSvidTtl === undefined ? {} : { jwtSvidTtlMs: jwtSvidTtl }),
  };
  checkTogether(at, spec);
  return spec;
}

export function writeRegistrationEntrySpec(spec: RegistrationEntrySpec): object {
  const { x509SvidTtlMs, jwtSvidTtlMs, expiresAt, ...rest } = spec;
  return {
    ...rest,
    ...(x509SvidTtlMs === undefined ? {} : { x509SvidTtl: formatDuration(x509SvidTtlMs) }),
    ...(jwtSvidTtlMs === undefined ? {} : { jwtSvidTtl: formatDuration(jwtSvidTtlMs) }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
  };
}

/** Whether an identity is that of an agent: its path starts with /agent/. */
export function isAgentId(id: SpiffeId): boolean {
  return id.path.startsWith('/agent/');
}

function workloadIdProblem(text: string): string | undefined {
  const id = SpiffeId.parse(text);
  if (!id.ok) return id.problem;
  if (id.value.path === '') return 'must have a path: a trust domain itself is no workload';
  return id.value.path === '/agent' || isAgentId(id.value) ? 'must not be below /agent, where agents are' : undefined;
}

function agentIdProblem(text: string): string | undefined {
  const id = SpiffeId.parse(text);
  if (!id.ok) return id.problem;
  return isAgentId(id.value) ? undefined : 'must be the SPIFFE ID of an agent: spiffe://<trust domain>/agent/…';
}

function readSelectors(at: Cursor): string[] | undefined {
  const selectors = atMost(
    at,
    MAX_SELECTORS,
    at.list((item) => item.checked(selectorTextProblem), 'a list of strings'),
  );
  if (selectors?.length === 0 && at.items()?.length === 0) {
    return at.error('must not be empty: everybody would get this identity');
  }
  for (const item of selectors === undefined ? [] : (at.items() ?? [])) {
    const text = String(item.value);
    const why = selectors?.includes(text) === true ? deadSelectorReason(text) : undefined;
    if (why !== undefined) item.warning(`nobody will get this identity: ${why}`);
  }
  return selectors === undefined ? undefined : [...new Set(selectors)];
}

function checkTogether(at: Cursor, spec: RegistrationEntrySpec): void {
  const { spiffeId, parentId, selectors, service, labels } = spec;
  const id = SpiffeId.of(spiffeId);
  if (parentId !== undefined && !SpiffeId.of(parentId).trustDomain.equals(id.trustDomain)) {
    at.child('parentId').error(`must be of the trust domain of spiffeId, ${id.trustDomain.name}`);
  }
  if (id.namespace === undefined) {
    for (const [field, value] of [
      ['service', service],
      ['labels', labels],
    ] as const) {
      if (value !== undefined)
        at.child(field).error('needs a spiffeId of the form spiffe://<trust domain>/ns/<namespace>/sa/<account>');
    }
  }
  const why = deadEntryReason(spec);
  if (why !== undefined) at.child('selectors').warning(`nobody will get this identity: ${why}`);
  if (spec.admin === true && parentId === undefined && !selectors.some(isEvidenceSelector)) {
    at.child('admin').warning('every agent may make administrators with it: let parentId name the one that shall');
  }
}

/** Why no evidence and no process ever has all of the selectors; undefined when one may. */
function deadEntryReason({ parentId, selectors }: RegistrationEntrySpec): string | undefined {
  const evidence = selectors.filter(isEvidenceSelector);
  const [first] = evidence;
  if (first === undefined) return undefined;
  const process = selectors.find((selector) => !isEvidenceSelector(selector));
  if (process !== undefined) return `${first} is said of evidence, ${process} of a process`;
  if (parentId !== undefined) return `beside parentId, because no agent can say ${first} of a process`;
  const types = new Set(evidence.map(selectorTypeOf));
  return areOfOneEvidence(types) ? undefined : `no evidence has selectors of types ${[...types].join(' and ')}`;
}

function readLabels(at: Cursor): Record<string, string> | undefined {
  const keys = at.keys('an object of label names and values');
  if (keys === undefined) return undefined;
  if (keys.length > MAX_LABELS) return at.error(`must hold at most ${MAX_LABELS} labels`);
  const labels: [string, string][] = [];
  for (const key of keys) {
    const child = at.child(key);
    const problem = labelNameProblem(key);
    if (problem !== undefined) child.misplaced(problem);
    const value = child.textOrEmpty();
    const valueProblem = value === undefined ? undefined : labelValueProblem(value);
    if (valueProblem !== undefined) child.error(valueProblem);
    else if (value !== undefined) labels.push([key, value]);
  }
  return Object.fromEntries(labels);
}

function dnsLabelProblem(text: string): string | undefined {
  return DNS_LABEL.test(text) ? undefined : 'must be a DNS label: lower-case letters, digits and "-", at most 63';
}

function dnsNameProblem(text: string): string | undefined {
  const isName = text.length <= 253 && text.split('.').every((label) => DNS_LABEL.test(label));
  return isName ? undefined : 'must be a DNS name in lower case, without wildcard';
}

/** Whole seconds: certificates and tokens count no less. */
function readTtl(at: Cursor, mostMs?: number): number | undefined {
  const ttl = readDuration(at, mostMs);
  return ttl === undefined || ttl % 1000 === 0 ? ttl : at.error('must be whole seconds');
}

function readX509Ttl(at: Cursor): number | undefined {
  const ttl = readTtl(at, LONGEST_X509_MS);
  if (ttl !== undefined && ttl > WEEK_MS) {
    at.warning('is more than 7 days (168h): a stolen certificate is good for that long');
  }
  return ttl;
}

function readTime(at: Cursor): number | undefined {
  const text = at.text('an RFC 3339 time');
  if (text === undefined) return undefined;
  const time = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? at.error('must be an RFC 3339 time such as 2026-01-31T12:00:00Z') : time;
}

function atMost<T>(at: Cursor, most: number, list: T[] | undefined): T[] | undefined {
  return list !== undefined && list.length > most ? at.error(`must hold at most ${most}, holds ${list.length}`) : list;
}
