import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documents, followDocument } from '../docs.ts';
import { repositoryRoot } from '../repository.ts';

test('there is a README to follow', () => {
  assert.equal(documents(repositoryRoot)[0], 'README.md');
});

for (const file of documents(repositoryRoot)) {
  test(`a newcomer can do what ${file} says, as it says it`, async () => {
    assert.deepEqual(await followDocument(repositoryRoot, file), []);
  });
}
