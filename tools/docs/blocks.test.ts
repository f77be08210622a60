import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandBlocks } from './blocks.ts';

const fence = '```';

function read(...lines: string[]) {
  return commandBlocks('README.md', lines.join('\n'));
}

test('only command blocks are read, with their line', () => {
  const { blocks } = read('# Title', `${fence}js`, 'not()', fence, `${fence}sh`, 'npm start', fence);
  assert.deepEqual(
    blocks.map(({ line, commands }) => [line, commands[0]?.text]),
    [[5, 'npm start']],
  );
});

test('an illustration says why', () => {
  const { blocks, problems } = read(
    '<!-- illustration: needs a cluster -->',
    '',
    `${fence}sh`,
    'kubectl get pods',
    fence,
  );
  assert.equal(blocks[0]?.illustration, 'needs a cluster');
  assert.deepEqual(problems, []);
});

const wrong = [
  { rule: 'illustration-reason', lines: ['<!-- illustration -->', `${fence}sh`, 'true', fence] },
  { rule: 'background-until', lines: [`${fence}sh background`, 'npm start', fence] },
  { rule: 'unknown-attribute', lines: [`${fence}sh foreground`, 'true', fence] },
  { rule: 'unclosed-fence', lines: [`${fence}sh`, 'true'] },
  { rule: 'empty-block', lines: [`${fence}sh`, fence] },
] as const;

for (const { rule, lines } of wrong) {
  test(`a block is refused for ${rule}`, () => {
    assert.deepEqual(
      read(...lines).problems.map((problem) => problem.rule),
      [rule],
    );
  });
}

test('a console block pairs commands with what they print', () => {
  const { blocks } = read(`${fence}console exit=1`, '$ first \\', '  --more', 'shown', '$ second', fence);
  assert.deepEqual(blocks[0]?.commands, [
    { text: 'first \\\n  --more', exit: 0, shows: ['shown'] },
    { text: 'second', exit: 1, shows: [] },
  ]);
});

test('a background block names the line it waits for', () => {
  const { blocks } = read(`${fence}sh background until="Press Ctrl-C to stop"`, 'npm start', fence);
  assert.deepEqual([blocks[0]?.background, blocks[0]?.until], [true, 'Press Ctrl-C to stop']);
});
