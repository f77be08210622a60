import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { DEFAULT_NAMESPACE, RampartError } from '@rampart/core';
import type { ApplyRequest, ApplyResponseSchema, ApplySetPart } from '@rampart/wire';
import type { ApplyOptions, ApplyOutcome } from '../../../resources/policy-desk.ts';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

/** Characters of JSON. */
const LARGEST_RESOURCE = 1024 * 1024;
/** What one set may hold in memory until it is applied: resources, and characters of JSON. */
const LARGEST_SET = { resources: 50_000, characters: 64 * 1024 * 1024 };
const MOST_SETS_AT_ONCE = 2;

type Shared = Pick<ApplyRequest, 'dryRun' | 'namespace' | 'allowUnknownServices'>;

/** Apply resources: as one document, or as a set that comes in parts. */
export function createApplyMethods(parts: Pick<AdminParts, 'desk' | 'dataPlanes'>): AdminMethods<'apply' | 'applySet'> {
  let sets = 0;
  return {
    apply: async (request, context) => {
      const options = optionsOf(request, request.file === '' ? 'document' : request.file, context);
      return answerOf(await parts.desk.apply({ ...options, document: request.document }), parts);
    },
    applySet: async function* (messages, context) {
      operatorOf(context);
      if (sets >= MOST_SETS_AT_ONCE)
        throw new RampartError('RATE_LIMITED', `${sets} large sets are being applied; try again when they are over`);
      sets += 1;
      try {
        const draft = new Draft(parts.desk, context);
        for await (const part of messages) yield { checked: draft.take(part) };
        const applied = answerOf(await draft.apply(), parts);
        yield { checked: draft.count, applied };
      } finally {
        sets -= 1;
      }
    },
  };
}

/** A set on its way, within bounds. */
class Draft {
  readonly #desk: AdminParts['desk'];
  readonly #context: HandlerContext;
  #draft: ReturnType<AdminParts['desk']['begin']> | undefined;
  #count = 0;
  #characters = 0;

  constructor(desk: AdminParts['desk'], context: HandlerContext) {
    this.#desk = desk;
    this.#context = context;
  }

  get count(): number {
    return this.#count;
  }

  /** @throws RampartError DOCUMENT_TOO_LARGE when it becomes larger than a set may be. */
  take(part: ApplySetPart): number {
    this.#draft ??= this.#desk.begin(optionsOf(part, 'set', this.#context));
    for (const text of part.resources) {
      this.#characters += text.length;
      if (text.length > LARGEST_RESOURCE)
        throw tooLarge(`resource ${this.#count + 1} of the set`, `${LARGEST_RESOURCE} characters`);
      if (this.#characters > LARGEST_SET.characters) throw tooLarge('the set', `${LARGEST_SET.characters} characters`);
      if (this.#count >= LARGEST_SET.resources) throw tooLarge('the set', `${LARGEST_SET.resources} resources`);
      this.#count = this.#draft.add(text);
    }
    return this.#count;
  }

  async apply(): Promise<ApplyOutcome> {
    return this.#draft === undefined ? { resources: [], problems: [], revision: 0 } : this.#draft.apply();
  }
}

function tooLarge(what: string, most: string): RampartError {
  return new RampartError('DOCUMENT_TOO_LARGE', `${what} has more than ${most}: apply it in parts`);
}

function optionsOf(
  { dryRun, namespace, allowUnknownServices }: Shared,
  file: string,
  context: HandlerContext,
): ApplyOptions {
  const defaultNamespace = namespace === '' ? DEFAULT_NAMESPACE : namespace;
  return { file, defaultNamespace, dryRun, allowUnknownServices, operator: operatorOf(context) };
}

function answerOf(
  { resources, problems, revision }: ApplyOutcome,
  { dataPlanes }: Pick<AdminParts, 'dataPlanes'>,
): MessageInitShape<typeof ApplyResponseSchema> {
  return {
    resources: resources.map(({ resource: { kind, metadata }, outcome }) => {
      const { namespace, name } = metadata;
      return { kind, namespace, name, outcome };
    }),
    problems: problems.map((problem) => ({ ...problem })),
    revision: BigInt(revision),
    dataPlanes: dataPlanes.sessions.length,
  };
}
