import { isFixedInRequest, isFraming } from '@rampart/core';
import { CheckResponse } from '@rampart/wire/ext-authz';
import type { DeniedHttpResponse, HeaderValueOption, OkHttpResponse } from '@rampart/wire/ext-authz';

import { failed, NO_QUERY_CHANGE } from '../answer.ts';
import type { HeaderAction, HeaderChange, QueryChange, Reply } from '../answer.ts';
import { isHeaderName, isHeaderValue } from '../header-names.ts';

const FORBIDDEN = 403;
/** Envoy's `HeaderAppendAction` by number; 0 is what no action at all is, too. */
const APPEND_ACTIONS: readonly (HeaderAction | undefined)[] = [undefined, 'add-if-absent', 'set', 'set-if-present'];
/** Characters of a URL-encoded query parameter. */
const QUERY_PART = /^[A-Za-z0-9\-._~!$'()*,;:@/?%+]*$/;

/** What a CheckResponse in binary says (Envoy `ext_authz_grpc_impl.cc`). Throws where it is no CheckResponse. */
export function decodeCheckResponse(bytes: Uint8Array): Reply {
  const response = CheckResponse.decode(bytes);
  const { httpResponse } = response;
  if ((response.status?.code ?? 0) === 0) {
    return allowed(httpResponse?.$case === 'okResponse' ? httpResponse.value : undefined);
  }
  if (httpResponse?.$case === 'errorResponse') return failed(`it could not decide: ${describe(response)}`);
  return denied(httpResponse?.$case === 'deniedResponse' ? httpResponse.value : undefined);
}

function describe({ status }: CheckResponse): string {
  const message = status?.message ?? '';
  return `code ${status?.code ?? 0}${message === '' ? '' : `, ${message.slice(0, 200)}`}`;
}

function allowed(ok: OkHttpResponse | undefined): Reply {
  if (ok === undefined) return { kind: 'allowed', request: [], response: [], query: NO_QUERY_CHANGE };
  const invalid = [...ok.headers, ...ok.responseHeadersToAdd].find((option) => !isValid(option));
  if (invalid !== undefined) {
    return failed(`its header ${JSON.stringify(invalid.header?.key.slice(0, 100) ?? '')} is none that can be sent`);
  }
  const set = changes(ok.headers, 'set').filter(({ name }) => !isFixedInRequest(name));
  const removed = ok.headersToRemove
    .map((name) => name.toLowerCase())
    .filter((name) => isHeaderName(name) && !isFixedInRequest(name))
    .map((name): HeaderChange => ({ action: 'remove', name, value: '' }));
  const query = queryOf(ok);
  if (query === undefined) return failed('a query parameter of its is not URL-encoded');
  const response = changes(ok.responseHeadersToAdd, 'add').filter(({ name }) => !isFraming(name));
  return { kind: 'allowed', request: [...set, ...removed], response, query };
}

function queryOf(ok: OkHttpResponse): QueryChange | undefined {
  const set = ok.queryParametersToSet.map(({ key, value }) => [key, value] as const);
  if (set.some(([key, value]) => key === '' || !QUERY_PART.test(key) || !QUERY_PART.test(value))) return undefined;
  return { set, remove: ok.queryParametersToRemove };
}

/** Headers that cannot be sent are left out of a denial: it stays one. */
function denied(response: DeniedHttpResponse | undefined): Reply {
  const code = response?.status?.code ?? 0;
  const options = (response?.headers ?? []).filter((option) => isValid(option));
  return {
    kind: 'denied',
    status: code >= 200 && code <= 599 ? code : FORBIDDEN,
    headers: changes(options, 'set')
      .filter(({ name }) => !isFraming(name))
      .map(({ name, value }) => [name, value] as const),
    body: Buffer.from(response?.body ?? ''),
  };
}

/**
 * `unset` is what an option without `append` and with the first action means. Overwriting is what the protocol promises
 * for requests and what Envoy did up to 1.36; the newest would let a copy that the caller sent stand beside.
 */
function changes(options: readonly HeaderValueOption[], unset: HeaderAction): HeaderChange[] {
  return options.map((option) => ({
    action: actionOf(option, unset),
    name: option.header?.key.toLowerCase() ?? '',
    value: bytesOf(option.header?.value ?? ''),
  }));
}

function actionOf({ append, appendAction }: HeaderValueOption, unset: HeaderAction): HeaderAction {
  if (append !== undefined) {
    if (!append) return 'set';
    return unset === 'set' ? 'append' : 'add';
  }
  if (appendAction === 0) return unset;
  return APPEND_ACTIONS[appendAction] ?? 'set';
}

function isValid({ header }: HeaderValueOption): boolean {
  return header !== undefined && isHeaderName(header.key) && isHeaderValue(bytesOf(header.value));
}

/** UTF-8 as Node writes headers: one character a byte. */
function bytesOf(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}
