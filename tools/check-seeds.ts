import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fencedBlocks } from './seeds/fences.ts';
import { judge } from './seeds/judge.ts';
import { partsOf } from './seeds/parts.ts';
import type { SeedVerdict } from './seeds/verdict.ts';

/** Feeds every fenced block of the seed documents to the part of the product that must accept it. */
async function checkSeeds(folder: string): Promise<number> {
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /\.(?:txt|md)$/.test(name))
        .toSorted()
    : [];
  if (files.length === 0) {
    process.stdout.write(`no seed documents in ${folder}: skipped\n`);
    process.stdout.write('seeds: 0 blocks, 0 accepted, 0 prose, 0 refused, 0 pending\n');
    return 0;
  }
  const verdicts: SeedVerdict[] = [];
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const part of fencedBlocks(file, text).flatMap(partsOf)) {
      for (const verdict of await judge(part)) {
        verdicts.push(verdict);
        process.stdout.write(`${verdict.status.padEnd(8)}  ${part.file}:${part.line}  ${part.kind}  ${verdict.note}\n`);
      }
    }
  }
  const count = (status: SeedVerdict['status']): number => verdicts.filter((each) => each.status === status).length;
  const refusals = count('refused');
  const counts = `${count('accepted')} accepted, ${count('prose')} prose, ${refusals} refused, ${count('pending')} pending`;
  process.stdout.write(`seeds: ${verdicts.length} blocks, ${counts}\n`);
  return refusals === 0 && verdicts.length > 0 ? 0 : 1;
}

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '../shared/seeds' } } });
process.exitCode = await checkSeeds(resolve(values.seeds));
