import { RampartError } from '../errors.ts';
import { fail, ok, type Result } from '../result.ts';
import { TrustDomain } from './trust-domain.ts';

const SCHEME = 'spiffe://';
const MAX_BYTES = 2048;
const SEGMENT = /^[A-Za-z0-9._-]+$/;
const WORKLOAD_PATH = /^\/ns\/([^/]+)\/sa\/([^/]+)$/;

/**
 * A SPIFFE ID, checked once (SPIFFE-ID §2): `spiffe://<trust domain>[/path]`, at most 2048 bytes, no percent-encoding,
 * no empty, "." or ".." segment, no trailing slash. As strict about case as go-spiffe.
 */
export class SpiffeId {
  readonly trustDomain: TrustDomain;
  /** "" for the trust domain itself, else "/ns/x/sa/y" or any other path. */
  readonly path: string;
  readonly #principal: string;

  private constructor(trustDomain: TrustDomain, path: string) {
    this.trustDomain = trustDomain;
    this.path = path;
    this.#principal = trustDomain.name + path;
  }

  /** Reads a full ID with its scheme; the problem says what was wrong with it. */
  static parse(text: string): Result<SpiffeId, string> {
    if (text.length > MAX_BYTES)
      return fail(`a SPIFFE ID must be at most ${MAX_BYTES} bytes long, this one has ${text.length}`);
    if (!text.startsWith(SCHEME)) return fail(`SPIFFE ID ${JSON.stringify(text)} must start with ${SCHEME}`);
    const slash = text.indexOf('/', SCHEME.length);
    const end = slash === -1 ? text.length : slash;
    const trustDomain = TrustDomain.parse(text.slice(SCHEME.length, end));
    if (!trustDomain.ok) return fail(`SPIFFE ID ${JSON.stringify(text)}: ${trustDomain.problem}`);
    const path = text.slice(end);
    const problem = pathProblem(path);
    return problem === undefined
      ? ok(new SpiffeId(trustDomain.value, path))
      : fail(`SPIFFE ID ${JSON.stringify(text)}: ${problem}`);
  }

  /** Like {@link SpiffeId.parse}, for text that must be right. Throws `INVALID_SPIFFE_ID`. */
  static of(text: string): SpiffeId {
    const parsed = SpiffeId.parse(text);
    if (!parsed.ok) throw new RampartError('INVALID_SPIFFE_ID', parsed.problem);
    return parsed.value;
  }

  /** `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. Throws `INVALID_SPIFFE_ID` when a part is not one path segment. */
  static forWorkload(trustDomain: TrustDomain, namespace: string, serviceAccount: string): SpiffeId {
    for (const [what, part] of [
      ['namespace', namespace],
      ['service account', serviceAccount],
    ] as const) {
      const problem = segmentProblem(part);
      if (problem !== undefined)
        throw new RampartError('INVALID_SPIFFE_ID', `${what} ${JSON.stringify(part)}: ${problem}`);
    }
    return SpiffeId.of(`${SCHEME}${trustDomain.name}/ns/${namespace}/sa/${serviceAccount}`);
  }

  /** Namespace of an ID of the form `/ns/<namespace>/sa/<service account>`; undefined for any other form. */
  get namespace(): string | undefined {
    return WORKLOAD_PATH.exec(this.path)?.[1];
  }

  /** Service account of an ID of the form `/ns/<namespace>/sa/<service account>`; undefined for any other form. */
  get serviceAccount(): string | undefined {
    return WORKLOAD_PATH.exec(this.path)?.[2];
  }

  /** The ID without "spiffe://": the form that policies name. */
  get principal(): string {
    return this.#principal;
  }

  equals(other: SpiffeId): boolean {
    return this.#principal === other.#principal;
  }

  toString(): string {
    return SCHEME + this.#principal;
  }

  toJSON(): string {
    return this.toString();
  }
}

function pathProblem(path: string): string | undefined {
  if (path === '') return undefined;
  if (path.endsWith('/')) return 'the path must not end with "/"';
  for (const segment of path.slice(1).split('/')) {
    const problem = segmentProblem(segment);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function segmentProblem(segment: string): string | undefined {
  if (segment === '') return 'a path segment must not be empty';
  if (segment === '.' || segment === '..') return 'a path segment must not be "." or ".."';
  return SEGMENT.test(segment)
    ? undefined
    : `path segment ${JSON.stringify(segment)} may only hold the characters A-Z a-z 0-9 . _ -`;
}
