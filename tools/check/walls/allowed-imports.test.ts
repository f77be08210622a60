import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../repository.ts';
import { readAllowedImports } from './allowed-imports.ts';

const table = `
| package | what lives there | may import |
|---|---|---|
| \`core\` | pure | nothing |
| \`wire\` | messages, with \`core\` types | core |
| \`keyring\` | keys | core |
| \`authority\` | issues | core, keyring |
| \`server\` | control plane | all domain packages, wire |
| \`cli\` | commands | wire client, core; \`server\` only to start it |
| \`testkit\` | private | anything |

\`core\` and \`keyring\` are the ground; the domain packages (\`authority\`) never import each other.
`;

test('a cell lists packages in words, groups included', () => {
  const allowed = readAllowedImports(table);
  assert.deepEqual(allowed.get('core'), new Set());
  assert.deepEqual(allowed.get('authority'), new Set(['core', 'keyring']));
  assert.deepEqual(allowed.get('server'), new Set(['core', 'keyring', 'authority', 'wire']));
  assert.deepEqual(allowed.get('cli'), new Set(['wire', 'core', 'server']));
  assert.equal(allowed.get('testkit'), undefined);
});

test('the house’s own table is understood', () => {
  const allowed = readAllowedImports(readFileSync(join(repositoryRoot, 'docs', 'architecture.md'), 'utf8'));
  assert.ok(allowed.size >= 10);
  assert.ok(allowed.get('server')?.has('authority'));
  assert.equal(allowed.get('mesh')?.has('server'), false);
});
