import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import type { Discovered } from '@rampart/registry';
import { RegistryService } from '@rampart/wire';
import type { DirectAnswer } from '../../direct/direct-calls.ts';
import { instanceMessage } from './messages.ts';

const { output: ANSWER } = RegistryService.method.find;
const compressed = promisify(gzip);
const COMPRESSED = 1;
const NOT_COMPRESSED = 0;

interface Encoded {
  readonly revision: number;
  readonly message: Uint8Array;
  readonly plain: DirectAnswer;
  /** From the first time that somebody asks for it. */
  gzipped: Promise<DirectAnswer> | undefined;
}

/**
 * Answers of Find as they go over the wire, encoded once for each list of instances. A list is never changed, and what one caller may
 * see of a service is another list than what another may: whoever is given the same list is given the same answer.
 */
export class FoundFrames {
  readonly #smallestCompressed: number;
  readonly #known = new WeakMap<Discovered['instances'], Encoded>();

  /** @param smallestCompressed Bytes of a message from which on it is compressed for those who take that. */
  constructor(smallestCompressed: number) {
    this.#smallestCompressed = smallestCompressed;
  }

  async of(found: Discovered, takesGzip: boolean): Promise<DirectAnswer> {
    const encoded = this.#encoded(found);
    const { message, plain } = encoded;
    if (!takesGzip || message.length < this.#smallestCompressed) return plain;
    return (encoded.gzipped ??= gzippedOf(message));
  }

  #encoded({ instances, revision }: Discovered): Encoded {
    const known = this.#known.get(instances);
    if (known?.revision === revision) return known;
    const answer = create(ANSWER, {
      revision: BigInt(revision),
      instances: instances.map(instanceMessage),
    });
    const message = toBinary(ANSWER, answer);
    const plain = { frame: encodeEnvelope(NOT_COMPRESSED, message), isCompressed: false };
    const encoded = { revision, message, plain, gzipped: undefined };
    this.#known.set(instances, encoded);
    return encoded;
  }
}

async function gzippedOf(message: Uint8Array): Promise<DirectAnswer> {
  return { frame: encodeEnvelope(COMPRESSED, await compressed(message)), isCompressed: true };
}
