import type { Cursor } from '../cursor.ts';
import { formatDuration, readDuration } from '../duration.ts';
import { readMatches, readPrincipals, type RequestMatch } from '../rate-limit/match.ts';
import { readSelector, type WorkloadSelector } from '../selector.ts';
import { textList } from '../text-list.ts';

/** Requests that a workload takes only with the signature of their caller (RFC 9421), whoever ends TLS in between. */
export interface RequestSignatureSpec {
  readonly selector?: WorkloadSelector;
  /** Any of them; absent: every request. */
  readonly match?: readonly RequestMatch[];
  /** Who may sign: "cluster.local/ns/web/sa/frontend", `*` at an end. */
  readonly signers: readonly string[];
  /** Covered besides `@method`, `@path`, `@query` and the content: header fields where the request has them. Absent: `authorization`. */
  readonly components?: readonly string[];
  /** How old a signature may be. Absent: 60 s. */
  readonly maxAgeMs?: number;
  /** Requests with larger bodies are refused, because a body is judged as a whole. Absent: 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Services through which callers send these requests; data planes of the mesh sign what goes there. */
  readonly hosts?: readonly string[];
  /** Whether an instance's own memory of signatures is enough while the control plane does not answer. Absent: no. */
  readonly failOpen?: boolean;
}

type Document = Omit<RequestSignatureSpec, 'maxAgeMs'> & { readonly maxAge: number };

const MOST_AGE_MS = 300_000;
const MOST_BODY = 16_777_216;
const MOST_ITEMS = 64;
const DERIVED: ReadonlySet<string> = new Set(['@method', '@path', '@query', '@authority', '@target-uri']);
/** RFC 9110 §5.1, in lower case as signatures have it (RFC 9421 §2.1). */
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** What carries the signature cannot be covered by it, and what each hop says of itself is not the caller's word. */
const OF_HOPS: ReadonlySet<string> = new Set([
  'signature',
  'signature-input',
  'rampart-signing-chain',
  'connection',
  'content-length',
  'keep-alive',
  'te',
  'transfer-encoding',
  'traceparent',
  'upgrade',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-request-id',
]);
const HOST = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

export function readRequestSignatureSpec(at: Cursor): RequestSignatureSpec | undefined {
  const fields = at.fields<Document>({
    selector: readSelector,
    match: readMatches,
    signers: readPrincipals,
    components: atMost(textList(componentProblem)),
    maxAge: (maxAge) => readDuration(maxAge, MOST_AGE_MS),
    maxBodyBytes: (bytes) => bytes.integer('a number of bytes', { min: 1, max: MOST_BODY }),
    hosts: atMost(textList((host) => (HOST.test(host) ? undefined : 'must be the name of a service, in lower case'))),
    failOpen: (flag) => flag.flag(),
  });
  if (fields === undefined) return undefined;
  const { signers, maxAge, ...rest } = fields;
  if (at.child('signers').value === undefined)
    at.error('needs signers: who may sign; ["*"] for every identity of the mesh, the hops in between included');
  else if (signers?.length === 0) at.child('signers').error('is empty, and nobody could sign');
  return signers === undefined
    ? undefined
    : { ...rest, signers, ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }) };
}

/** The words that `readRequestSignatureSpec` takes back. */
export function writeRequestSignatureSpec({ maxAgeMs, ...rest }: RequestSignatureSpec): object {
  return { ...rest, ...(maxAgeMs === undefined ? {} : { maxAge: formatDuration(maxAgeMs) }) };
}

function componentProblem(name: string): string | undefined {
  if (OF_HOPS.has(name)) return 'is not the caller’s to sign: it carries the signature, or each hop sets it anew';
  if (DERIVED.has(name) || FIELD_NAME.test(name)) return undefined;
  return `must be the name of a header in lower case, or one of ${[...DERIVED].join(', ')}`;
}

function atMost(read: (at: Cursor) => string[] | undefined): (at: Cursor) => string[] | undefined {
  return (at) => {
    const values = read(at);
    return values !== undefined && values.length > MOST_ITEMS
      ? at.error(`must hold at most ${MOST_ITEMS}, holds ${values.length}`)
      : values;
  };
}
