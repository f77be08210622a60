import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

import type { HeaderChange } from './answer.ts';

/** Changes the headers of the application's response once it has written them, however it writes them. */
export function changeResponseHeaders(response: ServerResponse, changes: readonly HeaderChange[]): void {
  if (changes.length === 0) return;
  const writeHead = response.writeHead.bind(response);
  const changing = (status: number, ...rest: unknown[]): ServerResponse => {
    Reflect.deleteProperty(response, 'writeHead');
    const reason = typeof rest[0] === 'string' ? rest[0] : undefined;
    adopt(response, typeof rest[0] === 'string' ? rest[1] : (rest[0] ?? rest[1]));
    for (const change of changes) apply(response, change);
    return reason === undefined ? writeHead(status) : writeHead(status, reason);
  };
  Object.assign(response, { writeHead: changing });
}

/** Headers given to `writeHead` replace those set before, as Node does it. */
function adopt(response: ServerResponse, headers: unknown): void {
  if (Array.isArray(headers)) {
    const list: unknown[] = headers.flat();
    const seen = new Set<string>();
    for (let index = 0; index + 1 < list.length; index += 2) {
      const name = String(list[index]);
      const value = String(list[index + 1]);
      if (seen.has(name.toLowerCase())) response.appendHeader(name, value);
      else response.setHeader(name, value);
      seen.add(name.toLowerCase());
    }
  } else if (isHeaders(headers)) {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  }
}

function isHeaders(value: unknown): value is OutgoingHttpHeaders {
  return typeof value === 'object' && value !== null;
}

function apply(response: ServerResponse, { action, name, value }: HeaderChange): void {
  const before = response.getHeader(name);
  if (action === 'remove') response.removeHeader(name);
  else if (action === 'add') response.appendHeader(name, value);
  else if (action === 'append') {
    if (before !== undefined) response.setHeader(name, `${joined(before)},${value}`);
  } else if (action === 'set' || (action === 'add-if-absent') === (before === undefined)) {
    response.setHeader(name, value);
  }
}

function joined(header: OutgoingHttpHeader): string {
  return Array.isArray(header) ? header.join(',') : String(header);
}
