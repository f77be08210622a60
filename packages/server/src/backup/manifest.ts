import { fail, ok, type Result } from '@rampart/core';
import { openNote, parseVerifierKey, signNote, type NoteSigner, type VerifierKey } from '@rampart/journal';

/** A file of a backup. */
export interface BackedUpFile {
  /** In the data directory: "rampart.db", "keys/journal.key". */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/** What a backup says of itself, signed by the key of the journal's checkpoints. */
export interface Manifest {
  /** Of the maker; its name is that of the journal: "cluster.local/journal". */
  readonly key: VerifierKey;
  /** Unix milliseconds. */
  readonly at: number;
  /** The journal in it: how many entries, and their Merkle root (hex). */
  readonly journal: { readonly size: number; readonly root: string };
  /** In the order in which they stand in it. */
  readonly files: readonly BackedUpFile[];
}

/** The trust domain whose journal a key signs. */
export function trustDomainOf({ name }: VerifierKey): string {
  return name.replace(/\/journal$/, '');
}

/** The first line. No checkpoint begins like that, so that neither signature can pass for the other. */
const TITLE = 'rampart backup v1';
const NAME = /^(?:rampart\.db|journal\.checkpoint|revocations\.log|keys\/[a-z0-9][a-z0-9.-]{0,100})$/;
const DIGEST = /^[0-9a-f]{64}$/;
const COUNT = /^(?:0|[1-9][0-9]{0,15})$/;

/** The manifest as a signed note (c2sp.org/signed-note): a line for each fact, then the signature. */
export function signManifest({ key, at, journal, files }: Manifest, signer: NoteSigner): Promise<string> {
  const lines = [
    TITLE,
    key.text,
    new Date(at).toISOString(),
    `journal ${journal.size} ${journal.root}`,
    ...files.map(({ name, size, sha256 }) => `file ${size} ${sha256} ${name}`),
  ];
  return signNote(`${lines.join('\n')}\n`, key.name, signer);
}

/** A manifest that this key signed; the key that it names itself where none is given. The problem says why it is not believed. */
export function openManifest(note: string, wanted?: VerifierKey): Result<Manifest, string> {
  const [title, keyText = ''] = note.split('\n', 2);
  if (title !== TITLE) return fail('does not begin with what this release of Rampart writes');
  const named = parseVerifierKey(keyText);
  if (!named.ok) return fail(`names no key: ${named.problem}`);
  const key = wanted ?? named.value;
  if (key.text !== named.value.text) {
    return fail(`was made by ${named.value.name}+${named.value.id}, not by ${key.name}+${key.id}`);
  }
  const text = openNote(note, key);
  return text.ok ? parse(text.value.split('\n').slice(2, -1), key) : fail(`is not signed as it says: ${text.problem}`);
}

function parse(
  [moment = '', journalLine = '', ...rest]: readonly string[],
  key: VerifierKey,
): Result<Manifest, string> {
  const at = Date.parse(moment);
  const [word, size = '', root = ''] = journalLine.split(' ');
  if (Number.isNaN(at) || word !== 'journal' || !COUNT.test(size) || !DIGEST.test(root)) return fail('says nothing');
  const files = rest.map(parseFile).filter((file) => file !== undefined);
  const names = new Set(files.map(({ name }) => name));
  if (files.length !== rest.length || names.size !== files.length || !names.has('rampart.db')) {
    return fail('lists files that no backup has');
  }
  return ok({ key, at, journal: { size: Number(size), root }, files });
}

/** Names are those of a data directory, so that nothing is ever written beside it. */
function parseFile(line: string): BackedUpFile | undefined {
  const [word, size = '', sha256 = '', name = '', ...more] = line.split(' ');
  const isSound = word === 'file' && more.length === 0 && COUNT.test(size) && DIGEST.test(sha256) && NAME.test(name);
  return isSound ? { name, size: Number(size), sha256 } : undefined;
}
