import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { OctetReader } from '@rampart/keyring';
import type { BackedUpFile, Manifest } from './manifest.ts';

/** A file, and where it is read from. */
export interface FileSource {
  readonly name: string;
  readonly path: string;
}

const LENGTH_OCTETS = 4;
const MOST_MANIFEST_OCTETS = 1_000_000;
const PIECE_OCTETS = 256 * 1024;

/** Size and hash of a file as it is now. */
export async function measure({ name, path }: FileSource): Promise<BackedUpFile> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of createReadStream(path) as AsyncIterable<Uint8Array>) {
    hash.update(piece);
    size += piece.length;
  }
  return { name, size, sha256: hash.digest('hex') };
}

/** What is sealed: `length of the manifest (4, big-endian) | manifest | files`, in the order of the manifest. */
export async function* contentsOf(
  note: string,
  sources: readonly FileSource[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const manifest = Buffer.from(note);
  const length = Buffer.alloc(LENGTH_OCTETS);
  length.writeUInt32BE(manifest.length);
  yield Buffer.concat([length, manifest]);
  for (const { path } of sources) yield* createReadStream(path, { highWaterMark: PIECE_OCTETS });
}

/** The signed note at the beginning; undefined when there is none. */
export async function readNote(reader: OctetReader): Promise<string | undefined> {
  const length = await reader.take(LENGTH_OCTETS);
  if (length.length < LENGTH_OCTETS) return undefined;
  const octets = Buffer.from(length).readUInt32BE();
  if (octets > MOST_MANIFEST_OCTETS) return undefined;
  const note = await reader.take(octets);
  return note.length === octets ? Buffer.from(note).toString('utf8') : undefined;
}

/** Takes the bytes of a file; the problem goes on from "the backup FILE". */
export type FileSink = (file: BackedUpFile, pieces: AsyncIterable<Uint8Array>) => Promise<void>;

/** Hands out every file; gives why they are not those of the manifest, or undefined. */
export async function readFiles(
  reader: OctetReader,
  { files }: Pick<Manifest, 'files'>,
  sink: FileSink,
): Promise<string | undefined> {
  for (const file of files) {
    const hash = createHash('sha256');
    await sink(
      file,
      piecesOf(reader, file.size, (piece) => void hash.update(piece)),
    );
    if (hash.digest('hex') !== file.sha256) return `has another ${file.name} than it says`;
  }
  return (await reader.take(1)).length === 0 ? undefined : 'goes on after its last file';
}

async function* piecesOf(
  reader: OctetReader,
  size: number,
  seen: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = size; left > 0;) {
    const piece = await reader.take(Math.min(left, PIECE_OCTETS));
    if (piece.length === 0) return;
    seen(piece);
    left -= piece.length;
    yield piece;
  }
}
