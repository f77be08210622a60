import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isTest, writtenFiles } from '../../repository.ts';
import type { Finding } from '../checker.ts';

/** Lines a file may have. A longer one has a second idea in it. */
const longestFile = 500;
/** Files a folder may have, tests beside them not counted. More than that is a list, not a layout. */
const fullestFolder = 15;
const drawers = /^(?:utils?|helpers?|common|misc|stuff|lib)(?:\.[cm]?[jt]s)?$/;

/**
 * `file-size`: no file above 500 lines.
 * `folder-size`: no folder above 15 source files.
 * `drawer`: files and folders are nouns of the field, not drawers for whatever is left.
 */
export function layoutFindings(root: string): Finding[] {
  const files = writtenFiles(root, ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.proto', '.sql', '.sh']);
  const folders = Map.groupBy(
    files.filter((file) => !isTest(file)),
    (file) => dirname(file),
  );
  return [
    ...files.flatMap((file) => tooLong(root, file)),
    ...[...folders].flatMap(([folder, members]) => tooFull(folder, members.length)),
    ...[...new Set([...files, ...folders.keys()])].flatMap(drawer),
  ];
}

function tooLong(root: string, file: string): Finding[] {
  const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
  if (lines <= longestFile) return [];
  return [
    {
      file,
      line: 0,
      rule: 'file-size',
      message: `${lines} lines, ${longestFile} at most: it holds more than one idea`,
    },
  ];
}

function tooFull(folder: string, count: number): Finding[] {
  if (count <= fullestFolder) return [];
  return [
    { file: folder, line: 0, rule: 'folder-size', message: `${count} files, ${fullestFolder} at most: name its parts` },
  ];
}

function drawer(path: string): Finding[] {
  if (!drawers.test(basename(path))) return [];
  return [{ file: path, line: 0, rule: 'drawer', message: 'name what is in it, not that something is' }];
}
