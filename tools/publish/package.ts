import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';

/** A package of this repository that others install from npm. */
export interface PublishedPackage {
  /** Folder under packages/. */
  readonly folder: string;
  /** Its exported subpaths, each with the source of it: `{ ".": "src/index.ts" }`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Programs it installs, each with its source. */
  readonly programs: Readonly<Record<string, string>>;
  /** Programs that it starts for itself, by their sources. */
  readonly processes: readonly string[];
  /** Packages of ours that stay dependencies instead of being bundled. */
  readonly keeps: readonly string[];
  /** Brings the third-party code it uses inside itself, so that it installs nothing beside it. */
  readonly selfContained: boolean;
  readonly manifest: SourceManifest;
}

export interface SourceManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** In the order in which they depend on each other. */
export function publishedPackages(): PublishedPackage[] {
  return [
    // It is loaded into other people's services: it must not bring dependencies that could meet theirs.
    published('node', { processes: [], keeps: [], selfContained: true }),
    // `rampart run` starts services with --import @rampart/node/register, which must be a package of its own.
    published('cli', {
      processes: [
        '../server/src/storage/sqlite/audit-sql/query-process.ts',
        '../server/src/storage/sqlite/write-ahead-log/checkpoint-worker.ts',
        '../server/src/storage/sqlite/commit-thread/commit-thread.ts',
        '../proxy/src/processes/worker-process.ts',
      ],
      keeps: ['@rampart/node'],
      selfContained: false,
    }),
  ];
}

function published(
  folder: string,
  how: Pick<PublishedPackage, 'processes' | 'keeps' | 'selfContained'>,
): PublishedPackage {
  const manifest = readManifest(join(repositoryRoot, 'packages', folder));
  return { folder, entries: manifest.exports, programs: manifest.bin ?? {}, manifest, ...how };
}

export function readManifest(folder: string): SourceManifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as SourceManifest;
}

/** Where the package as published is laid out. */
export function outputFolder({ folder }: PublishedPackage): string {
  return join(repositoryRoot, 'packages', folder, 'dist');
}
