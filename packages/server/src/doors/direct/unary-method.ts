import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { gzippedAnswer, plainAnswer } from './direct-answer.ts';
import type { DirectContext, DirectMethod } from './direct-calls.ts';

/** What a direct method takes and answers with. */
export interface MessageSizes {
  /** Bytes that a message may have. */
  readonly largestMessage: number;
  /** Bytes of an answer from which on it is compressed for those who take that. */
  readonly smallestCompressed: number;
}

/** A message of a direct method; undefined where it is none. */
export function readMessage<Input extends DescMessage>(
  input: Input,
  message: Uint8Array,
): MessageShape<Input> | undefined {
  try {
    return fromBinary(input, message);
  } catch {
    return undefined;
  }
}

/** A unary method whose answers are each for one caller alone. */
export function directUnary<Input extends DescMessage, Output extends DescMessage>(
  method: DescMethodUnary<Input, Output>,
  implementation: (
    request: MessageShape<Input>,
    context: DirectContext,
  ) => Promise<MessageInitShape<Output>> | MessageInitShape<Output>,
  { largestMessage, smallestCompressed }: MessageSizes,
): DirectMethod {
  const { input, output } = method;
  return {
    method,
    largestMessage,
    read: (message) => {
      const request = readMessage(input, message);
      if (request === undefined) return undefined;
      return async (context, takesGzip) => {
        const answer = toBinary(output, create(output, await implementation(request, context)));
        return takesGzip && answer.length >= smallestCompressed ? gzippedAnswer(answer) : plainAnswer(answer);
      };
    },
  };
}
