import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { NodeResponse } from './node-handler.ts';
import { bytesOf } from './outcomes/body.ts';

/**
 * Writes an answer: one that says how long it is in one piece, a stream as it comes. Rejects when the other end went away, or
 * when what makes the answer failed.
 */
export async function writeAnswer(answer: UniversalServerResponse, response: NodeResponse): Promise<void> {
  const { status, header, body, trailer } = answer;
  if (trailer !== undefined || header?.has('content-length') !== true) {
    return universalResponseToNodeResponse(answer, response);
  }
  // The protocol library would write head, content and end one by one, and wait for an event that HTTP/1.1 does not have.
  const content = await bytesOf(body);
  response.writeHead(status, Object.fromEntries(header));
  response.end(content);
}
