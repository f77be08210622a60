import { Code, ConnectError } from '@connectrpc/connect';
import { parseServiceName, RampartError, toDocument } from '@rampart/core';
import type { SuggestedPolicies } from '@rampart/core/analysis';
import { parseDocuments } from '@rampart/core/documents';
import { simulate } from '../../../replay/simulation.ts';
import { suggest } from '../../../replay/suggestion.ts';
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
    async *suggest({ service, since }, context) {
      operatorOf(context);
      const name = parseServiceName(service, DEFAULT_NAMESPACE);
      if (name === undefined) {
        throw new RampartError(
          'INVALID_ARGUMENT',
          `${JSON.stringify(service)} does not name a service; write orders-api or orders-api.default`,
        );
      }
      const release = running.enter();
      try {
        for await (const step of suggest(parts, { service: name, since: Number(since), signal: context.signal })) {
          yield 'progress' in step
            ? { message: progressOf(step.progress) }
            : {
                message: {
                  case: 'suggestion',
                  value: { yaml: step.yaml, reportJson: JSON.stringify(reportOf(step.suggestion)) },
                },
              };
        }
      } finally {
        release();
      }
    },
  };
}

function progressOf({ records, total }: { readonly records: number; readonly total: number }): {
  case: 'progress';
  value: { records: bigint; total: bigint };
} {
  return { case: 'progress', value: { records: BigInt(records), total: BigInt(total) } };
}

function reportOf({ policies, ...rest }: SuggestedPolicies): object {
  return { ...rest, policies: policies.map(toDocument) };
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
