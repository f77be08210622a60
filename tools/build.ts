import { relative } from 'node:path';
import { outputFolder, publishedPackages } from './publish/package.ts';
import { buildPackage, compileDeclarations } from './publish/publishable.ts';
import { repositoryRoot } from './repository.ts';

/** Builds the packages that go to npm: JavaScript, declarations and a manifest without workspace packages. */
const packages = publishedPackages();
await compileDeclarations(packages);
for (const published of packages) {
  const line = await buildPackage(published);
  process.stdout.write(`built ${relative(repositoryRoot, outputFolder(published))}: ${line}\n`);
}
