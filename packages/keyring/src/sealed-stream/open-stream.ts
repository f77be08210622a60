import { RampartError } from '@rampart/core';
import { passphraseKeyOf } from '../passphrase.ts';
import { chunkKey, openChunk, SEALED_CHUNK_OCTETS } from './chunk.ts';
import { LENGTH_OCTETS, MAGIC, parseHead } from './head.ts';
import { OctetReader } from './octet-reader.ts';
import type { SealStreamOptions } from './seal-stream.ts';

/**
 * The plaintext of `sealStream`. What was given out is genuine and in order; whether it is all of it is known at the end.
 * @throws RampartError KEY_UNREADABLE for another passphrase, damage, a stream that was cut off or is not one of these.
 */
export async function* openStream(
  sealed: AsyncIterable<Uint8Array>,
  { passphrase, context }: Omit<SealStreamOptions, 'cost'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new OctetReader(sealed);
  const key = await readKey(reader, { passphrase, context });
  let chunk = await reader.take(SEALED_CHUNK_OCTETS);
  for (let number = 0; ; number += 1) {
    const next = await reader.take(SEALED_CHUNK_OCTETS);
    const isLast = next.length === 0;
    const plaintext = openChunk(key, chunk, { number, isLast });
    if (plaintext === undefined) throw unreadable(`is damaged, cut off or put together anew in part ${number + 1}`);
    yield plaintext;
    if (isLast) break;
    chunk = next;
  }
  key.fill(0);
}

async function readKey(
  reader: OctetReader,
  { passphrase, context }: Omit<SealStreamOptions, 'cost'>,
): Promise<Uint8Array> {
  const start = await reader.take(MAGIC.length + LENGTH_OCTETS);
  if (Buffer.compare(start.subarray(0, MAGIC.length), MAGIC) !== 0) {
    throw unreadable('is not one that this release of Rampart sealed');
  }
  const length = (start[MAGIC.length] ?? 0) * 256 + (start[MAGIC.length + 1] ?? 0);
  const json = await reader.take(length);
  const head = parseHead(json);
  if (!head.ok) throw unreadable(head.problem);
  const kek = await passphraseKeyOf(passphrase, head.value.parameters);
  if (kek === undefined) throw unreadable('was made with another passphrase, or its head is damaged');
  const dataKey = await kek.unwrap(head.value.wrapped);
  try {
    return chunkKey(dataKey, Buffer.concat([start, json]), context);
  } finally {
    dataKey.fill(0);
  }
}

function unreadable(why: string): RampartError {
  return new RampartError('KEY_UNREADABLE', `the sealed stream ${why}`);
}
