import { relative } from 'node:path';
import { outputFolder, publishedPackages } from './publish/package.ts';
import { buildPackage, compileDeclarations, layOutCode } from './publish/publishable.ts';
import { repositoryRoot } from './repository.ts';

/** Builds the packages that go to npm: JavaScript, declarations and a manifest without workspace packages. */
const packages = publishedPackages();
// For programs that only run what is published: seconds less, and nothing that could go to npm.
const codeOnly = process.argv.includes('--code-only');
if (!codeOnly) await compileDeclarations(packages);
for (const published of packages) {
  const line = codeOnly ? await layOutCode(published) : await buildPackage(published);
  process.stdout.write(`built ${relative(repositoryRoot, outputFolder(published))}: ${line}\n`);
}
