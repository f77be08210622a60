import type { RequestMessage } from '../request/message.ts';
import type { HeaderChange, QueryChange } from './answer.ts';

/** Changes the headers of a request, in all three views that Node gives of them. */
export function changeRequestHeaders(request: RequestMessage, changes: readonly HeaderChange[]): void {
  for (const { action, name, value } of changes) {
    const { headersDistinct } = request;
    const values = Object.hasOwn(headersDistinct, name) ? headersDistinct[name] : undefined;
    const before = values?.join(name === 'cookie' ? '; ' : ',');
    if (action === 'remove') drop(request, name);
    else if (action === 'append' || action === 'add') {
      if (before !== undefined) replace(request, name, `${before},${value}`);
      else if (action === 'add') replace(request, name, value);
    } else if (action === 'set' || (action === 'add-if-absent') === (before === undefined)) {
      replace(request, name, value);
    }
  }
}

/** A request target with its query parameters changed, the others left as they are written. Names are compared decoded. */
export function changeQuery(target: string, { set, remove }: QueryChange): string {
  if (set.length === 0 && remove.length === 0) return target;
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const replaced = new Map(set);
  const removed = new Set(remove.map((name) => decoded(name)));
  const gone = new Set([...removed, ...[...replaced.keys()].map((name) => decoded(name))]);
  const kept = (mark === -1 ? '' : target.slice(mark + 1))
    .split('&')
    .filter((part) => part !== '' && !gone.has(decoded(part.split('=', 1)[0] ?? '')));
  for (const [name, value] of replaced) if (!removed.has(decoded(name))) kept.push(`${name}=${value}`);
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

function replace(request: RequestMessage, name: string, value: string): void {
  drop(request, name);
  request.headersDistinct[name] = [value];
  if (name === 'set-cookie') request.headers['set-cookie'] = [value];
  else request.headers[name] = value;
  request.rawHeaders.push(name, value);
}

function drop(request: RequestMessage, name: string): void {
  // Made by Node at its first use, from as many raw headers as were received: it must be made before any is taken out.
  delete request.headersDistinct[name];
  delete request.headers[name];
  const { rawHeaders } = request;
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (rawHeaders[index]?.toLowerCase() === name) rawHeaders.splice(index, 2);
  }
}
