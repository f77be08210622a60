import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestCa, TransitServer } from '@rampart/testkit';
import { keyStoreConformance } from '../conformance.ts';
import type { TransitOptions } from './transit-connection.ts';
import { TransitKeyStore } from './transit-key-store.ts';

const data = new TextEncoder().encode('the signed part of a certificate');
let scratch = '';
const servers: TransitServer[] = [];
const stores: TransitKeyStore[] = [];

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'rampart-transit-'));
});
after(async () => {
  for (const store of stores) store.close();
  await Promise.all(servers.map((server) => server.close()));
  await rm(scratch, { recursive: true });
});

interface Service {
  readonly server: TransitServer;
  readonly store: TransitKeyStore;
  readonly tokenFile: string;
}

async function service(change: Partial<TransitOptions> = {}): Promise<Service> {
  const server = await TransitServer.start(Date.now());
  servers.push(server);
  const tokenFile = join(await mkdtemp(join(scratch, 'token-')), 'token');
  await writeFile(tokenFile, `${server.token}\n`, { mode: 0o600 });
  const store = new TransitKeyStore({ url: server.url, ca: server.ca, tokenFile, ...change });
  stores.push(store);
  return { server, store, tokenFile };
}

keyStoreConformance('TransitKeyStore', async () => (await service()).store);

describe('a key service', () => {
  it('that is opened by another process gives the same key', async () => {
    const { server, store, tokenFile } = await service();
    const { publicKeyDer } = await store.create('root');
    const other = new TransitKeyStore({ url: server.url, ca: server.ca, tokenFile });
    stores.push(other);
    assert.deepEqual((await other.open('root'))?.publicKeyDer, publicKeyDer);
  });

  it('whose key is rotated goes on to sign with the one that certificates name', async () => {
    const { server, store } = await service();
    const { publicKeyDer } = await store.create('root');
    server.rotate('root');
    const opened = await store.open('root');
    assert.deepEqual(opened?.publicKeyDer, publicKeyDer);
    await opened?.sign(data);
  });

  it('takes a new token from its file at the next call', async () => {
    const { server, store, tokenFile } = await service();
    await writeFile(tokenFile, 'hvs.expired');
    await assert.rejects(store.open('root'), { code: 'KEY_UNREADABLE' });
    await writeFile(tokenFile, server.token);
    assert.equal(await store.open('root'), undefined);
  });

  it('that closed an idle connection is called again', async () => {
    const { server, store } = await service();
    const signer = await store.create('root');
    server.dropConnections();
    await signer.sign(data);
  });

  for (const url of [
    'http://127.0.0.1:8200',
    'https://u:p@127.0.0.1',
    'https://h/?a',
    'https://h/#a',
    'vault:8200',
    '',
  ]) {
    it(`is not one at ${JSON.stringify(url)}`, () => {
      assert.throws(() => new TransitKeyStore({ url, ca: '', tokenFile: '' }), { code: 'INVALID_ARGUMENT' });
    });
  }

  for (const mount of ['', '/', '../sys', 'a//b', 'a?b', 'transit/']) {
    it(`has no mount ${JSON.stringify(mount)}`, () => {
      const options = { url: 'https://h', ca: '', tokenFile: '', mount };
      assert.throws(() => new TransitKeyStore(options), { code: 'INVALID_ARGUMENT' });
    });
  }
});

interface Failure {
  readonly name: string;
  readonly spoil: (service: Service) => Promise<unknown> | void;
  readonly code: string;
  readonly message: RegExp;
}

const FAILURES: readonly Failure[] = [
  {
    name: 'is sealed',
    spoil: ({ server }) => void (server.mood = 'sealed'),
    code: 'UPSTREAM_UNREACHABLE',
    message: /could not sign with key root: status 503; it is sealed or starting: unseal it/,
  },
  {
    name: 'does not answer in time',
    spoil: ({ server }) => void (server.mood = 'silent'),
    code: 'UPSTREAM_UNREACHABLE',
    message: /no answer within 300 ms; check its address/,
  },
  {
    name: 'is gone',
    spoil: ({ server }) => server.close(),
    code: 'UPSTREAM_UNREACHABLE',
    message: /ECONNREFUSED.*; check its address/,
  },
  {
    name: 'answers with more than anybody needs',
    spoil: ({ server }) => void (server.mood = 'endless'),
    code: 'UPSTREAM_UNREACHABLE',
    message: /larger than 262144 bytes/,
  },
  {
    name: 'answers with something else',
    spoil: ({ server }) => void (server.mood = 'no-json'),
    code: 'KEY_UNREADABLE',
    message: /gave no signature/,
  },
  {
    name: 'signs with another key',
    spoil: ({ server }) => void (server.mood = 'forging'),
    code: 'KEY_UNREADABLE',
    message: /gave a signature of another key/,
  },
  {
    name: 'has lost the key',
    spoil: ({ server }) => server.delete('root'),
    code: 'KEY_UNREADABLE',
    message: /refused to sign with key root \(status 400\)/,
  },
  {
    name: 'refuses the token',
    spoil: ({ tokenFile }) => writeFile(tokenFile, 'hvs.of-somebody-else'),
    code: 'KEY_UNREADABLE',
    message: /\(status 403\); the token in .*token is not valid or its policy does not allow it.*transit\/sign/,
  },
  {
    name: 'has its token in a file that others can read',
    spoil: ({ tokenFile }) => chmod(tokenFile, 0o644),
    code: 'KEY_UNREADABLE',
    message: /mode 0644\); run: chmod 600/,
  },
  {
    name: 'has a token file of several lines',
    spoil: ({ tokenFile }) => writeFile(tokenFile, 'hvs.one\r\nhvs.two'),
    code: 'KEY_UNREADABLE',
    message: /does not hold one token/,
  },
  {
    name: 'has no token file',
    spoil: ({ tokenFile }) => rm(tokenFile),
    code: 'KEY_UNREADABLE',
    message: /is missing; put the token of the key service there/,
  },
];

describe('signing fails and says what to do when the key service', () => {
  for (const { name, spoil, code, message } of FAILURES) {
    it(name, async () => {
      const test = await service({ timeoutMs: name === 'does not answer in time' ? 300 : 5000 });
      const signer = await test.store.create('root');
      await spoil(test);
      await assert.rejects(signer.sign(data), (error: Error & { code?: string }) => {
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
        assert.ok(!error.message.includes('hvs.'), 'no token is quoted');
        return true;
      });
    });
  }

  it('is one whose certificate comes from another CA', async () => {
    const { store } = await service({ ca: (await TestCa.create('other.test', Date.now())).rootPem });
    await assert.rejects(store.create('root'), { code: 'UPSTREAM_UNREACHABLE', message: /pinned CA/ });
  });
});
