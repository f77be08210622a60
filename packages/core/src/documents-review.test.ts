import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDocuments } from './documents.ts';
import { formatFieldPath, parseFieldPath, type FieldPath } from './resource/problem.ts';

const TWO = `apiVersion: v1
kind: List
items:
  - { apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: { name: good } }
  - apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata:
      name: bad
      labels: { app.kubernetes.io/name: x }
`;

describe('the review of a document by its caller', () => {
  it('puts objections at the places of the fields they name', () => {
    const { problems } = parseDocuments(TWO, {
      file: 'two.yaml',
      review: ({ metadata: { name } }) =>
        name === 'bad'
          ? [{ code: 'UNSUPPORTED_FEATURE', message: 'no', field: 'metadata.labels["app.kubernetes.io/name"]' }]
          : [],
    });
    assert.deepEqual(problems, [
      {
        severity: 'error',
        code: 'UNSUPPORTED_FEATURE',
        message: 'no',
        file: 'two.yaml',
        line: 9,
        column: 17,
        field: 'items[1].metadata.labels["app.kubernetes.io/name"]',
      },
    ]);
  });

  it('is not asked about resources that are not sound', () => {
    const { problems } = parseDocuments(
      '{"apiVersion":"security.istio.io/v1","kind":"PeerAuthentication","metadata":{}}',
      {
        file: 'f',
        review: () => [{ code: 'UNSUPPORTED_FEATURE', message: 'no', field: '' }],
      },
    );
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['INVALID_RESOURCE'],
    );
  });
});

describe('a field path', () => {
  const PATHS: readonly FieldPath[] = [
    [],
    ['spec'],
    ['spec', 'rules', 0, 'from', 10, 'source'],
    ['metadata', 'labels', 'a.b/c', 0],
    ['metadata', 'labels', 'with "quotes" and \\ and ]'],
    ['items', 3, 'metadata', ''],
  ];
  for (const path of PATHS) {
    it(`${formatFieldPath(path)} is read back as it was written`, () => {
      assert.deepEqual(parseFieldPath(formatFieldPath(path)), path);
    });
  }
});
