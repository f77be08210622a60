import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { ResponseFlag } from '@rampart/mesh';
import type { RequestMessage } from '@rampart/mesh';

/** Why Node gave up reading a request, and what it answers to that by itself. */
export interface ReadingProblem {
  readonly code: 400 | 408 | 413 | 431;
  readonly flag: ResponseFlag;
  readonly reason: string;
}

/** Codes of Node's parser, and what its server answers to them where the application does not (`clientError`). */
const ANSWERS: Readonly<Record<string, ReadingProblem['code']>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const OF_PARSER = 'HPE_';

const problems = new WeakMap<object, ReadingProblem>();

/** Undefined for an error of the connection itself. */
function problemOf(error: unknown): ReadingProblem | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const code = ANSWERS[error.code] ?? (error.code.startsWith(OF_PARSER) ? 400 : undefined);
  return code && { code, flag: ResponseFlag.protocolError, reason: error.message };
}

/**
 * What `clientError` says of a request whose head did not come whole. Where one is under way already, it is kept for the
 * record of that one instead: see `problemWith`.
 */
export function readingProblem(error: unknown, socket: Socket): ReadingProblem | undefined {
  const problem = problemOf(error);
  // Node's own server looks there, too, before it answers.
  const underWay: unknown = Reflect.get(socket, '_httpMessage');
  if (problem === undefined || !(underWay instanceof ServerResponse)) return problem;
  problems.set(underWay, problem.code === 408 ? { ...problem, flag: ResponseFlag.idle } : problem);
  return undefined;
}

/** Why the rest of a request could not be read, or did not come in time, before its answer was complete. */
export function problemWith(response: ServerResponse): ReadingProblem | undefined {
  return problems.get(response);
}

/** What is known of a request that could not be read. */
export function unreadRequest(httpVersion: string = '1.1'): RequestMessage {
  return { method: '', url: '', httpVersion, headers: {}, headersDistinct: {}, rawHeaders: [] };
}
