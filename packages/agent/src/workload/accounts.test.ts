import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { Accounts } from './accounts.ts';

describe('the accounts of a host', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rampart-accounts-'));
  const passwd = join(folder, 'passwd');
  const accounts = new Accounts({ passwd, group: join(folder, 'group') });
  after(() => rmSync(folder, { recursive: true }));

  it('have the name of the first line with an id', async () => {
    writeFileSync(passwd, 'root:x:0:0::/root:/bin/sh\ntoor:x:0:0\n:x:5:5\nbroken\nweb:x:1000:1000\n');
    assert.deepEqual(await Promise.all([0, 5, 100, 1000].map((uid) => accounts.user(uid))), [
      'root',
      undefined,
      undefined,
      'web',
    ]);
  });

  it('are read again when the file is another one', async () => {
    writeFileSync(passwd, 'shop:x:1000:1000\n');
    assert.equal(await accounts.user(1000), 'shop');
  });

  it('are none where there is no file', async () => {
    assert.equal((await accounts.groups()).size, 0);
    rmSync(passwd);
    assert.equal(await accounts.user(1000), undefined);
  });
});
