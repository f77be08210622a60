import { Code, ConnectError } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import { simulate } from '../../../replay/simulation.ts';
import { unenforceable } from '../../../resources/enforceability.ts';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

const DEFAULT_NAMESPACE = 'default';
/** Each holds distinct requests in memory and takes its share of every turn of the event loop. */
const MOST_AT_ONCE = 4;

/** What the requests on record say about policies. */
export function createReplayMethods(parts: AdminParts): AdminMethods<'simulate' | 'suggest'> {
  const { dataPlanes, rootNamespace } = parts;
  const running = new Running();
  return {
    async *simulate({ document, file, namespace, since, replaceAll }, context) {
      operatorOf(context);
      const { resources, problems } = parseDocuments(document, {
        file: file === '' ? 'document' : file,
        defaultNamespace: namespace === '' ? DEFAULT_NAMESPACE : namespace,
        review: (resource) => unenforceable(resource, { rootNamespace, planes: dataPlanes.enforcing() }),
      });
      if (problems.some(({ severity }) => severity === 'error')) {
        yield { message: { case: 'refused', value: { problems: problems.map((problem) => ({ ...problem })) } } };
        return;
      }
      const request = { candidate: resources, replaceAll, since: Number(since), signal: context.signal };
      const release = running.enter();
      try {
        for await (const step of simulate(parts, request)) {
          yield 'report' in step
            ? { message: { case: 'reportJson', value: JSON.stringify(step.report) } }
            : { message: progressOf(step.progress) };
        }
      } finally {
        release();
      }
    },
    // oxlint-disable-next-line require-yield -- the form of a streaming method
    async *suggest(_request, context) {
      operatorOf(context);
      throw new RampartError('INTERNAL', 'not there yet');
    },
  };
}

function progressOf({ records, total }: { readonly records: number; readonly total: number }): {
  case: 'progress';
  value: { records: bigint; total: bigint };
} {
  return { case: 'progress', value: { records: BigInt(records), total: BigInt(total) } };
}

/** Bounds how many replays go on at a time. */
class Running {
  #count = 0;

  /** Answers with how to leave. */
  enter(): () => void {
    if (this.#count >= MOST_AT_ONCE) {
      throw new ConnectError(
        `${MOST_AT_ONCE} replays are going on already: try again when one of them is done`,
        Code.ResourceExhausted,
      );
    }
    this.#count += 1;
    return () => {
      this.#count -= 1;
    };
  }
}
