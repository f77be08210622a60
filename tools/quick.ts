// Runs a program of the repository as `node PROGRAM …` would, only sooner: out of its bundle.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleOf } from './bundled/cache.ts';

const [program = '', ...words] = process.argv.slice(2);
const source = resolve(program);
const file = await bundleOf(source).catch((error: unknown) => {
  // A bundle is a cache and nothing else.
  process.stderr.write(`${program} runs from its sources: ${error instanceof Error ? error.message : String(error)}\n`);
  return undefined;
});
process.argv.splice(1, process.argv.length - 1, file ?? source, ...words);
await import(pathToFileURL(file ?? source).href);
