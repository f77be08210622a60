import { create, toBinary } from '@bufbuild/protobuf';
import type { Discovered } from '@rampart/registry';
import { RegistryService } from '@rampart/wire';
import { type DirectAnswer, gzippedAnswer, plainAnswer } from '../../direct/direct-answer.ts';
import { instanceMessage } from './messages.ts';

const { output: ANSWER } = RegistryService.method.find;

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
    return (encoded.gzipped ??= gzippedAnswer(message));
  }

  #encoded({ instances, revision }: Discovered): Encoded {
    const known = this.#known.get(instances);
    if (known?.revision === revision) return known;
    const answer = create(ANSWER, {
      revision: BigInt(revision),
      instances: instances.map(instanceMessage),
    });
    const message = toBinary(ANSWER, answer);
    const plain = plainAnswer(message);
    const encoded = { revision, message, plain, gzipped: undefined };
    this.#known.set(instances, encoded);
    return encoded;
  }
}
