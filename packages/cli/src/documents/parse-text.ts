import type { Resource } from '@rampart/core';
import {
  aclFile,
  parseDocuments,
  type ParseDocumentsOptions,
  type ParsedDocuments,
  type TextPosition,
} from '@rampart/core/documents';
import { piecesOf, type TextPiece } from './text-pieces.ts';

type Options = Omit<ParseDocumentsOptions, 'limits'>;

/** Of one piece. What a file of one's own may be is bounded by patience; what the control plane takes, by itself. */
const LIMITS = { bytes: 16 * 1024 * 1024, nodes: 2_000_000, tokens: 6_000_000 };

/** Reads the text of a file, however large: a piece after the other. */
export function parseText(text: string, options: Options): ParsedDocuments {
  if (aclFile(options.file) !== undefined) return parseDocuments(text, options);
  const pieces = piecesOf(text);
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return parsePiece(only, options);
  const places = new Places(options);
  const read = pieces.map((piece) => {
    const { resources, problems } = parsePiece(piece, options);
    return { resources: places.remember(piece, resources), problems };
  });
  return {
    resources: read.flatMap(({ resources }) => resources),
    problems: read.flatMap(({ problems }) => problems),
    placeOf: (resource, field) => places.of(resource, field),
  };
}

function parsePiece({ text, linesBefore }: TextPiece, options: Options): ParsedDocuments {
  const { resources, problems, placeOf } = parseDocuments(text, { ...options, limits: LIMITS });
  const moved = <T extends TextPosition>(place: T): T => ({ ...place, line: place.line + linesBefore });
  return {
    resources,
    problems: problems.map(moved),
    placeOf: (resource, field) => {
      const place = placeOf(resource, field);
      return place === undefined ? undefined : moved(place);
    },
  };
}

/**
 * Where resources stand. What knows that weighs many times what they do, and most are never asked about: a piece is read again
 * when one of them is.
 */
class Places {
  readonly #options: Options;
  readonly #origins = new Map<Resource, { readonly piece: TextPiece; readonly index: number }>();
  #again: { readonly piece: TextPiece; readonly parsed: ParsedDocuments } | undefined;

  constructor({ review: _, ...options }: Options) {
    this.#options = options;
  }

  /** Copies, which whoever read the originals knows nothing of. */
  remember(piece: TextPiece, originals: readonly Resource[]): Resource[] {
    const resources = originals.map((resource) => ({ ...resource }));
    for (const [index, resource] of resources.entries()) this.#origins.set(resource, { piece, index });
    return resources;
  }

  of(resource: Resource, field: string): TextPosition | undefined {
    const origin = this.#origins.get(resource);
    if (origin === undefined) return undefined;
    const { piece, index } = origin;
    if (this.#again?.piece !== piece) this.#again = { piece, parsed: parsePiece(piece, this.#options) };
    const { parsed } = this.#again;
    const original = parsed.resources[index];
    return original === undefined ? undefined : parsed.placeOf(original, field);
  }
}
