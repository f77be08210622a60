import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

import { QuietMoments } from './quiet-moments.ts';
import { cleanRanges } from './unused-memory.ts';

const run = promisify(execFile);

const NODE = '/opt/node/bin/node';

function mapping(line: string, { anonymous = 0, swap = 0 } = {}): string {
  return `${line}\nSize:   8 kB\nRss:   4 kB\nAnonymous:        ${anonymous} kB\nSwap:        ${swap} kB\nVmFlags: rd ex mr mw me\n`;
}

describe('memory that is given back', () => {
  const cases: readonly (readonly [rule: string, text: string, expected: number])[] = [
    ['text of the program', mapping(`00400000-00402000 r-xp 00000000 fe:00 5800967     ${NODE}`), 0x2000],
    ['constants of the program', mapping(`00400000-00401000 r--p 00000000 fe:00 5800967     ${NODE}`), 0x1000],
    ['not what can be written to', mapping(`00400000-00402000 rw-p 00000000 fe:00 5800967     ${NODE}`), 0],
    ['not relocated constants', mapping(`00400000-00402000 r--p 00000000 fe:00 58     ${NODE}`, { anonymous: 4 }), 0],
    ['not what is swapped out', mapping(`00400000-00402000 r--p 00000000 fe:00 58     ${NODE}`, { swap: 4 }), 0],
    ['not other files', mapping('00400000-00402000 r-xp 00000000 fe:00 58     /lib/libc.so.6'), 0],
    ['not a file that was replaced', mapping(`00400000-00402000 r-xp 00000000 fe:00 58     ${NODE} (deleted)`), 0],
    ['not the heap', mapping('00400000-00402000 rw-p 00000000 00:00 0                       [heap]'), 0],
    ['nothing where the kernel does not say what was written to', `00400000-00402000 r-xp 0 fe:00 58  ${NODE}\n`, 0],
  ];
  for (const [rule, text, expected] of cases) {
    it(rule, () => {
      const bytes = cleanRanges(`${mapping('7f00-7f01 r-xp 0 00:00 0 ')}${text}`, NODE).map((each) => each.bytes);
      assert.deepEqual(bytes, expected === 0 ? [] : [expected]);
    });
  }

  it('a process is smaller afterwards, and goes on', { skip: process.platform !== 'linux' }, async () => {
    const program = `
      import { loadGiveBack } from ${JSON.stringify(import.meta.resolve('./unused-memory.ts'))};
      const giveBack = await loadGiveBack();
      const before = process.memoryUsage.rss();
      giveBack();
      console.log(JSON.stringify({ saved: before - process.memoryUsage.rss(), upper: 'straße'.toLocaleUpperCase('de') }));
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
    const { saved, upper } = JSON.parse(stdout) as { readonly saved: number; readonly upper: string };
    assert.ok(saved > 5_000_000, `${saved} bytes`);
    assert.equal(upper, 'STRASSE');
  });
});

describe('moments to give memory back', () => {
  const cases: readonly (readonly [rule: string, workedMs: readonly number[], given: readonly number[]])[] = [
    ['the first quiet one after work', [2000, 2000, 50, 50, 50], [3]],
    ['not after next to no work', [10, 10, 10, 10, 10], []],
    ['after little work that has come together', [90, 90, 90, 90, 90], [3]],
    ['every fifteen seconds of work', [2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000], [8]],
    ['again when it has worked again', [2000, 0, 2000, 0], [2, 4]],
  ];
  for (const [rule, work, expected] of cases) {
    it(rule, () => {
      const moments = new QuietMoments({ nowMs: 0, workedMs: 0 });
      let workedMs = 0;
      const given = work.flatMap((each, index) => {
        workedMs += each;
        return moments.isNow({ nowMs: (index + 1) * 2000, workedMs }) ? [index + 1] : [];
      });
      assert.deepEqual(given, expected);
    });
  }
});

describe('memory that is not taken', () => {
  it('a sidecar does not load what clients of WebSockets and fetch need', async () => {
    const program = `
      await import(${JSON.stringify(import.meta.resolve('../index.ts'))});
      console.log(process.moduleLoadList.filter((name) => name.includes('undici')).join());
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
    assert.equal(stdout.trim(), '');
  });
});
