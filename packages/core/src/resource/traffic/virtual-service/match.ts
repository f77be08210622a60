import type { Cursor, Reader } from '../../cursor.ts';
import { absent, listOf, mapOf, oneOf, readPort } from '../document-form.ts';
import { readLabels } from '../labels.ts';
import { readHeaderMatch, readStringMatch, type StringMatch } from './string-match.ts';

/** What a request must be like, all of it (istio/api `HTTPMatchRequest`). */
export interface HttpMatch {
  readonly name?: string;
  /** The path, without query. */
  readonly uri?: StringMatch;
  readonly scheme?: StringMatch;
  readonly method?: StringMatch;
  readonly authority?: StringMatch;
  /** By name in lower case. */
  readonly headers?: Readonly<Record<string, StringMatch>>;
  readonly withoutHeaders?: Readonly<Record<string, StringMatch>>;
  readonly port?: number;
  /** Which callers the match is for. */
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  readonly gateways?: readonly string[];
  readonly queryParams?: Readonly<Record<string, StringMatch>>;
  /** For exact and prefix of `uri`. */
  readonly ignoreUriCase?: boolean;
}

/** What a connection must be like, all of it (istio/api `L4MatchAttributes`). */
export interface TcpMatch {
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  readonly gateways?: readonly string[];
}

interface HttpRefused {
  readonly statPrefix: never;
}
interface TcpRefused {
  readonly destinationSubnets: never;
  readonly sourceSubnet: never;
}

const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** RFC 9110 §5.6.2 token, in lower case as Istio asks. */
const HEADER = /^[a-z0-9!#$%&'+.^_`|~-]+$/;
const MOST_GATEWAYS = 100;
/** Istio ignores them among headers, which can only mislead. */
const NOT_HEADERS: ReadonlySet<string> = new Set(['uri', 'scheme', 'method', 'authority']);

/** The callers themselves; any other gateway is one that does not exist yet. */
export const readGateways: Reader<string[]> = listOf(
  (at) =>
    at.value === 'mesh'
      ? 'mesh'
      : at.error('there is no gateway yet: only "mesh", the callers of the mesh, is known here', 'UNSUPPORTED_FEATURE'),
  MOST_GATEWAYS,
  'a list of gateways',
);

const readSourceNamespace: Reader<string> = (at) =>
  at.checked((text) => (NAMESPACE.test(text) ? undefined : 'must be the name of a namespace'));

const CALLERS = {
  port: readPort,
  sourceLabels: readLabels,
  sourceNamespace: readSourceNamespace,
  gateways: readGateways,
};

export function readHttpMatch(at: Cursor): HttpMatch | undefined {
  const match = at.fields<HttpMatch & HttpRefused>({
    ...CALLERS,
    name: (name) => name.text(),
    uri: readUriMatch,
    scheme: readStringMatch,
    method: readStringMatch,
    authority: readStringMatch,
    headers: mapOf(readHeaderMatch, headerNameProblem),
    withoutHeaders: mapOf(readHeaderMatch, headerNameProblem),
    queryParams: mapOf(readHeaderMatch, (name) => (name === '' ? 'the name of a parameter is empty' : undefined)),
    ignoreUriCase: (flag) => flag.flag(),
    statPrefix: absent('no statistics of Envoy are kept here: routes are told apart by their names'),
  });
  if (match !== undefined && (at.keys() ?? []).length === 0) return at.error('asks nothing: leave match out');
  return match;
}

export function readTcpMatch(at: Cursor): TcpMatch | undefined {
  return at.fields<TcpMatch & TcpRefused>({
    ...CALLERS,
    destinationSubnets: absent('services are called by name here, and have no addresses of their own'),
    sourceSubnet: absent('callers are known by their labels and namespaces: use sourceLabels or sourceNamespace'),
  });
}

/** The one match whose prefix may be empty (Envoy takes it for every path). */
function readUriMatch(at: Cursor): StringMatch | undefined {
  const prefix = at.child('prefix');
  if (prefix.value !== '') {
    warnOfNoPath(prefix);
    warnOfNoPath(at.child('exact'));
    return readStringMatch(at);
  }
  oneOf(at, ['prefix', 'exact', 'regex']);
  return { prefix: '' };
}

/** Paths begin with "/"; of OPTIONS alone one may be "*" (RFC 9112 §3.2.4). */
function warnOfNoPath(at: Cursor): void {
  if (typeof at.value !== 'string' || at.value === '' || at.value.startsWith('/') || at.value === '*') return;
  at.warning(`matches nothing: paths begin with "/", so write ${JSON.stringify(`/${at.value}`)}`);
}

function headerNameProblem(name: string): string | undefined {
  if (name.startsWith('@request.auth.claims'))
    return 'routing by claims of tokens is done at a gateway, and there is none yet';
  if (NOT_HEADERS.has(name)) return `is no header: write ${name} beside headers, not under it`;
  if (HEADER.test(name)) return undefined;
  return 'must be the name of a header in lower case, such as x-request-id';
}
