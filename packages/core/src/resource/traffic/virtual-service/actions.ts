import type { Cursor, FieldReaders, Reader } from '../../cursor.ts';
import { parseRegex, replacementProblem } from '../../../policy/match/regex.ts';
import { parsesWith } from '../../text-list.ts';
import { need, oneOf, readPort } from '../document-form.ts';
import { hostProblem } from '../host.ts';

/** An answer that sends the caller elsewhere (istio/api `HTTPRedirect`). */
export interface HttpRedirect {
  readonly uri?: string;
  /** Put in place of the prefix that was matched. */
  readonly prefixRewrite?: string;
  readonly authority?: string;
  readonly port?: number;
  readonly derivePort?: 'FROM_PROTOCOL_DEFAULT' | 'FROM_REQUEST_PORT';
  readonly scheme?: 'http' | 'https';
  /** 301 where absent. */
  readonly redirectCode?: number;
}

/** An answer that no instance gives (istio/api `HTTPDirectResponse`). */
export interface HttpDirectResponse {
  readonly status: number;
  readonly body?: DirectBody;
}

export interface DirectBody {
  readonly string?: string;
  /** Base64. */
  readonly bytes?: string;
}

/** What of a request is changed before it is sent (istio/api `HTTPRewrite`). */
export interface HttpRewrite {
  /** In place of the prefix that was matched, else of the whole path. */
  readonly uri?: string;
  readonly authority?: string;
  readonly uriRegexRewrite?: RegexRewrite;
}

export interface RegexRewrite {
  readonly match: string;
  /** "\1" stands for what the first group matched. */
  readonly rewrite: string;
}

const MAX_BODY = 1_048_576;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
const REDIRECT_CODES = { min: 300, max: 399 };
const STATUSES = { min: 200, max: 599 };
const AUTHORITY = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Printable, as paths and their queries are sent. */
const readPathText: Reader<string> = (at) =>
  at.checked((text) => (/^[!-~]+$/.test(text) ? undefined : 'must be a path of printable ASCII, others as %XX'));

const readAuthority: Reader<string> = (at) =>
  at.checked((text) => {
    if (!AUTHORITY.test(text)) return 'must be a host, with or without ":port"';
    const host = text.replace(/:\d+$/, '');
    return host.startsWith('[') ? undefined : hostProblem(host);
  });

export function readRedirect(at: Cursor): HttpRedirect | undefined {
  const redirect = at.fields<HttpRedirect>({
    uri: readPathText,
    prefixRewrite: readPathText,
    authority: readAuthority,
    port: readPort,
    derivePort: (word) => word.word(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']),
    scheme: (word) => word.word(['http', 'https']),
    redirectCode: (code) => code.integer('a status of redirection', REDIRECT_CODES),
  });
  oneOf(at, ['uri', 'prefixRewrite']);
  oneOf(at, ['port', 'derivePort']);
  const names = ['uri', 'prefixRewrite', 'authority', 'port', 'derivePort', 'scheme'];
  if (redirect !== undefined && names.every((name) => at.child(name).value === undefined)) {
    return at.error('needs at least one of uri, prefixRewrite, authority, scheme and port');
  }
  return redirect;
}

export function readDirectResponse(at: Cursor): HttpDirectResponse | undefined {
  const fields = at.fields<HttpDirectResponse>({
    status: (status) => status.integer('an HTTP status', STATUSES),
    body: readBody,
  });
  need(at, 'status');
  const { status, ...rest } = fields ?? {};
  return status === undefined ? undefined : { ...rest, status };
}

function readBody(at: Cursor): DirectBody | undefined {
  const body = at.fields<DirectBody>({
    string: (text) => (text.value === '' ? '' : bounded(text, text.lines())),
    bytes: (text) => bounded(text, text.value === '' ? '' : text.lines('base64')),
  });
  if (body?.bytes !== undefined && !BASE64.test(body.bytes)) at.child('bytes').error('must be base64');
  if (oneOf(at, ['string', 'bytes']) === undefined) at.error('needs string or bytes');
  return body;
}

function bounded(at: Cursor, text: string | undefined): string | undefined {
  return text !== undefined && text.length > MAX_BODY ? at.error('must be at most 1 MiB') : text;
}

export function readRewrite(at: Cursor): HttpRewrite | undefined {
  const rewrite = at.fields<HttpRewrite>({
    uri: readPathText,
    authority: readAuthority,
    uriRegexRewrite: readRegexRewrite,
  });
  oneOf(at, ['uri', 'uriRegexRewrite']);
  if (rewrite !== undefined && (at.keys() ?? []).length === 0) {
    return at.error('needs at least one of uri, uriRegexRewrite and authority');
  }
  return rewrite;
}

const REGEX_REWRITE: FieldReaders<RegexRewrite> = {
  match: (match) => match.checked(parsesWith(parseRegex)),
  rewrite: (rewrite) => rewrite.text(),
};

function readRegexRewrite(at: Cursor): RegexRewrite | undefined {
  const { match, rewrite } = at.fields<RegexRewrite>(REGEX_REWRITE) ?? {};
  need(at, 'match', 'rewrite');
  if (match === undefined || rewrite === undefined) return undefined;
  const problem = replacementProblem(rewrite, match);
  return problem === undefined ? { match, rewrite } : at.child('rewrite').error(problem);
}
