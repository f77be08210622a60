import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { encodeEnvelope } from '@connectrpc/connect/protocol';

const COMPRESSED = 1;
const NOT_COMPRESSED = 0;
const compressed = promisify(gzip);

/** An answer as it goes over the wire: protobuf, with what stands before each message of gRPC. */
export interface DirectAnswer {
  readonly frame: Uint8Array;
  /** Whether gzip made it smaller. */
  readonly isCompressed: boolean;
}

export function plainAnswer(message: Uint8Array): DirectAnswer {
  return { frame: encodeEnvelope(NOT_COMPRESSED, message), isCompressed: false };
}

export async function gzippedAnswer(message: Uint8Array): Promise<DirectAnswer> {
  return { frame: encodeEnvelope(COMPRESSED, await compressed(message)), isCompressed: true };
}
