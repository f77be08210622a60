import { join, resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Io } from '../io.ts';

const SYSTEM_SOCKET = '/run/rampart/agent.sock';

/** Absolute path of an agent's socket: as given, else where the agents of this user have it. @throws RampartError INVALID_ARGUMENT */
export function socketPathOf(given: string | undefined, io: Io): string {
  if (given !== undefined) return resolve(io.workingDirectory, pathOf(given));
  if (io.userId === 0) return SYSTEM_SOCKET;
  const runtime = io.env['XDG_RUNTIME_DIR'];
  if (runtime !== undefined && runtime !== '') return join(runtime, 'rampart', 'agent.sock');
  throw new RampartError('INVALID_ARGUMENT', 'XDG_RUNTIME_DIR is not set: say where the socket is with --socket');
}

/** Where a workload finds its agent: an option first, then the variable that every SPIFFE library reads. */
export function endpointPathOf(given: string | undefined, io: Io): string {
  const endpoint = io.env['SPIFFE_ENDPOINT_SOCKET'];
  return socketPathOf(given ?? (endpoint === '' ? undefined : endpoint), io);
}

/** A path, or the URI of a Unix socket without an authority (SPIFFE_Workload_Endpoint.md §4). */
function pathOf(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) return text;
  const path = /^unix:(?:\/\/)?(?<path>\/[^?#]*)$/.exec(text)?.groups?.['path'];
  if (path !== undefined) return path;
  throw new RampartError('INVALID_ARGUMENT', `${JSON.stringify(text)} is not like unix:///run/rampart/agent.sock`);
}
