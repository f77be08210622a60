import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectError } from '@connectrpc/connect';
import type { NodeRequest, NodeResponse } from '../node-handler.ts';
import type { DirectAnswer } from './direct-answer.ts';

/** How calls of one protocol come and are answered where they pass by the protocol library. */
export interface DirectForm {
  /** Bytes that a content may have beside its message. */
  readonly besideMessage: number;
  /** Whether a request is a call of this protocol, in protobuf, and asks for nothing beside its answer. */
  takes(request: NodeRequest): boolean;
  /** The one message of a content; undefined where that is anything else. */
  message(content: Buffer): Buffer | undefined;
  /** Whether a caller takes answers that gzip made smaller. */
  takesGzip(headers: IncomingHttpHeaders): boolean;
  answer(response: NodeResponse, header: Headers, answer: DirectAnswer): void;
  refuse(response: NodeResponse, header: Headers, error: ConnectError): void;
}

/** Whether a list of encodings names gzip; as the protocol library reads it, without weights. */
export function namesGzip(accepted: string | readonly string[] | undefined): boolean {
  return String(accepted ?? '')
    .split(',')
    .some((name) => name.trim() === 'gzip');
}
