// Several files of tests in one process, named on the command line: most of a small file's time is the start of its process.
import { relative } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

for (const file of process.argv.slice(2)) {
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    test(`${relative(process.cwd(), file)} can be loaded`, () => {
      throw error;
    });
  }
}
