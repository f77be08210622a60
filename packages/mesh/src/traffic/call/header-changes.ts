import type { CompiledHeaders } from '@rampart/core';

/** A message's headers, names and values in turn, after operations; the list that was given stays as it is. */
export function changeHeaders(
  rawHeaders: readonly string[],
  ...all: readonly (CompiledHeaders | undefined)[]
): string[] {
  let headers: string[] | undefined;
  for (const operations of all) if (operations !== undefined) headers = changed(headers ?? rawHeaders, operations);
  return headers ?? [...rawHeaders];
}

/** Names that go, in lower case: rules stay the same for many requests. */
const gone = new WeakMap<CompiledHeaders, ReadonlySet<string>>();

function goneWith(operations: CompiledHeaders): ReadonlySet<string> {
  let names = gone.get(operations);
  if (names === undefined) {
    names = new Set([...operations.remove, ...operations.set.map(([name]) => name)].map((name) => name.toLowerCase()));
    gone.set(operations, names);
  }
  return names;
}

function changed(rawHeaders: readonly string[], operations: CompiledHeaders): string[] {
  const names = goneWith(operations);
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (names.size === 0 || !names.has(name.toLowerCase())) headers.push(name, rawHeaders[index + 1] ?? '');
  }
  for (const [name, value] of operations.set) headers.push(name, value);
  for (const [name, value] of operations.add) headers.push(name, value);
  return headers;
}
