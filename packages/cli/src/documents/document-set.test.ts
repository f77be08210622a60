import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { captureIo } from '../scenarios/captured-io.ts';
import { renderProblem } from '../views/problem-line.ts';
import { joinDocuments, readDocuments } from './document-set.ts';
import { parseText } from './parse-text.ts';
import { piecesOf } from './text-pieces.ts';

suite('several files as one document', () => {
  const joined = joinDocuments([
    { file: 'a.yaml', text: 'a: 1\nb: 2\n' },
    { file: 'b.yaml', text: 'c: 3' },
    { file: 'c.json', text: '{"d": 4}\n' },
  ]);

  test('are kept apart by the end mark of YAML', () => {
    assert.equal(joined.text, 'a: 1\nb: 2\n\n...\nc: 3\n...\n{"d": 4}\n');
    assert.equal(joined.file, 'a.yaml, b.yaml, c.json');
  });

  test('leave the byte order marks of their files behind', () => {
    const marked = joinDocuments([
      { file: 'a.yaml', text: '\ufeffa: 1\n' },
      { file: 'b.yaml', text: '\ufeffb: 2\n' },
    ]);
    assert.equal(marked.text, 'a: 1\n\n...\nb: 2\n');
  });

  test('are refused together when each of them is small enough alone, and it is said so', () => {
    const half = { file: 'a.yaml', text: `# ${'x'.repeat(600_000)}` };
    assert.throws(() => joinDocuments([half, half]), {
      code: 'DOCUMENT_TOO_LARGE',
      message: /^the 2 files are 1200009 bytes together, and at most 1048576 are taken at once/,
    });
  });

  test('every line is traced back to its file', () => {
    const lines = joined.text.split('\n');
    for (const [text, file, line] of [
      ['a: 1', 'a.yaml', 1],
      ['b: 2', 'a.yaml', 2],
      ['c: 3', 'b.yaml', 1],
      ['{"d": 4}', 'c.json', 1],
    ] as const) {
      assert.deepEqual(joined.originOf(lines.indexOf(text) + 1), { file, line });
    }
    assert.equal(joined.originOf(0).line, 0);
  });
});

const MESH = 'apiVersion: rampart.dev/v1\nkind: MeshConfig\nmetadata: {name: default, namespace: root}\n';

suite('several files that are taken together', () => {
  const problemsOf = async (rootNamespace: string, ...texts: readonly string[]): Promise<string[]> => {
    const folder = await mkdtemp(join(tmpdir(), 'rampart-files-'));
    try {
      const names = texts.map((_, index) => `${index}.yaml`);
      await Promise.all(names.map((name, index) => writeFile(join(folder, name), texts[index] ?? '')));
      const { io } = captureIo({ workingDirectory: folder, now: () => 0 });
      const set = await readDocuments(names, { io, namespace: undefined, rootNamespace });
      assert.equal(set.refused, set.problems.length > 0);
      return set.problems.map(renderProblem);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test('are refused where a resource stands in two of them', async () => {
    assert.deepEqual(await problemsOf('root', MESH, MESH), [
      '1.yaml:3:12: metadata.name: MeshConfig root/default stands in 0.yaml, too: keep one of them',
    ]);
  });

  test('are held against the root namespace that was asked for', async () => {
    assert.deepEqual(await problemsOf('root', MESH), []);
    const [problem = ''] = await problemsOf('istio-system', MESH);
    assert.match(problem, /^0\.yaml:3:38: metadata\.namespace: must be "istio-system", the root namespace of the mesh/);
  });
});

suite('a large file', () => {
  const policy = (index: number, spec = 'mtls: {mode: STRICT}'): string =>
    `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: p-${index}}\nspec: {${spec}}\n`;
  const many = Array.from({ length: 4000 }, (_, index) => policy(index)).join('---\n');

  test('is read in pieces of whole documents, and every place is that of the whole', () => {
    const pieces = piecesOf(many);
    assert.ok(pieces.length > 1 && pieces.every(({ text }) => text.length < 300_000));
    assert.equal(pieces.map(({ text }) => text).join(''), many);
    const { resources, problems, placeOf } = parseText(`${many}---\n${policy(4000, 'mtl: 1')}`, { file: 'a.yaml' });
    assert.equal(resources.length, 4000);
    assert.deepEqual(
      problems.map(({ line, field }) => [line, field]),
      [[4000 * 5 + 4, 'spec.mtl']],
    );
    for (const index of [0, 1999, 3999]) {
      const resource = resources[index];
      assert.equal(resource && placeOf(resource, 'metadata.name')?.line, index * 5 + 3);
    }
  });

  test('is one piece where it has directives, which belong to the document after them', () => {
    assert.equal(piecesOf(`%YAML 1.2\n---\n${many}`).length, 1);
  });

  test('is cut only where a document begins', () => {
    const text = `a: |\n  ---\n${'  x\n'.repeat(80_000)}b: "---"\n---more: 1\n--- # next\nc: 1\n`;
    assert.deepEqual(
      piecesOf(text).map((piece) => piece.text.slice(0, 10)),
      ['a: |\n  ---', '--- # next'],
    );
  });
});
