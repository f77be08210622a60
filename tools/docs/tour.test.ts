import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { documents, followDocument } from '../docs.ts';
import { repositoryRoot } from '../repository.ts';
import { commandBlocks } from './blocks.ts';
import { busyPorts, portsOf } from './ports.ts';

test('there is a README to follow', () => {
  assert.equal(documents(repositoryRoot)[0], 'README.md');
});

for (const file of documents(repositoryRoot)) {
  test(`a newcomer can do what ${file} says, as it says it`, async (context) => {
    const { blocks } = commandBlocks(file, readFileSync(join(repositoryRoot, file), 'utf8'));
    const busy = await busyPorts(portsOf(blocks));
    if (busy.length > 0) {
      context.skip(`port ${busy.join(' and ')} is in use: stop what listens there, such as a running npm start`);
      return;
    }
    assert.deepEqual(await followDocument(repositoryRoot, file), []);
  });
}
