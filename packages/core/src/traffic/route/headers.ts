import type { HeaderChanges, HeaderOperations } from '../../resource/traffic/virtual-service/headers.ts';
import type { CompiledHeaderChanges, CompiledHeaders } from '../settings.ts';

/** What happens to headers, as lists; undefined where nothing does. */
export function compileHeaders({ request, response }: HeaderChanges = {}): CompiledHeaderChanges | undefined {
  if (request === undefined && response === undefined) return undefined;
  return {
    ...(request === undefined ? {} : { request: operations(request) }),
    ...(response === undefined ? {} : { response: operations(response) }),
  };
}

function operations({ remove = [], set = {}, add = {} }: HeaderOperations): CompiledHeaders {
  return { remove, set: Object.entries(set), add: Object.entries(add) };
}
