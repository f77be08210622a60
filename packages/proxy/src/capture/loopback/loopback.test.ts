import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, SpiffeId } from '@rampart/core';
import { MeshView } from '@rampart/mesh';
import type { MeshService } from '@rampart/mesh';
import { until } from '@rampart/testkit';
import fc from 'fast-check';

import { LoopbackDoor } from '../../testing/outbound-door.ts';
import { startServer, Talker } from '../../testing/servers.ts';
import type { TestServer } from '../../testing/servers.ts';
import { AddressBook } from './address-book.ts';
import { AddressFile } from './address-file.ts';
import { candidatesFor, isInRange } from './loopback-range.ts';
import { ServiceListeners } from './service-listeners.ts';

const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/db');

function service(name: string, ports: readonly number[], protocol = 'tcp'): MeshService {
  const endpoints = ports.map((port) => ({
    instanceId: `${name}-${port}`,
    host: '10.0.0.1',
    port,
    protocol,
    spiffeId,
    identity: spiffeId.toString(),
    labels: {},
    address: `10.0.0.1:${port}`,
  }));
  return { name, namespace: 'default', host: `${name}.default.svc`, endpoints };
}

describe('addresses of services on the loopback', () => {
  it('are of the range, and the same each time', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, seed) => {
        const [address = '', ...others] = candidatesFor(name, seed);
        assert.ok(isInRange(address));
        assert.equal(new Set([address, ...others]).size, others.length + 1);
        assert.equal([...candidatesFor(name, seed)][0], address);
      }),
    );
  });

  for (const [address, expected] of [
    ['127.64.0.1', true],
    ['127.127.255.254', true],
    ['127.63.255.255', false],
    ['127.128.0.1', false],
    ['127.0.0.1', false],
    ['128.64.0.1', false],
    ['127.64.0', false],
    ['127.64.0.01', false],
    ['127.64.0.256', false],
    ['localhost', false],
  ] as const) {
    it(`${address} is ${expected ? '' : 'not '}one`, () => assert.equal(isInRange(address), expected));
  }

  it('are not the same for two names, for as many as there may be', () => {
    const book = new AddressBook({ seed: 'shop', mostNames: 5000 });
    const given = Array.from({ length: 5000 }, (_, index) => book.addressOf(`service-${index}.default.svc`));
    assert.equal(new Set(given).size, 5000);
    assert.equal(book.addressOf('one-too-many'), undefined);
    assert.equal(book.nameAt(given[7] ?? ''), 'service-7.default.svc');
    assert.equal(book.nameAt('192.0.2.1'), undefined);
  });

  it('are others for another sidecar of this host', () => {
    const [one, other] = ['a', 'b'].map((seed) => new AddressBook({ seed }).addressOf('db.default.svc'));
    assert.notEqual(one, other);
  });

  it('stay what they were, unless that makes no sense', () => {
    const known: [string, string][] = [
      ['db', '127.64.1.1'],
      ['two', '127.64.1.1'],
      ['elsewhere', '10.0.0.1'],
    ];
    const book = new AddressBook({ seed: 'shop', known });
    assert.deepEqual([...book.entries], [['db', '127.64.1.1']]);
    assert.equal(book.addressOf('db'), '127.64.1.1');
  });

  it('are moved away from what somebody else has', () => {
    let changes = 0;
    const book = new AddressBook({ seed: 'shop', changed: () => (changes += 1) });
    const first = book.addressOf('db') ?? '';
    const second = book.move('db', new Set([first]));
    assert.notEqual(second, first);
    assert.equal(book.addressOf('db'), second);
    assert.equal(book.nameAt(first), undefined);
    book.forget('db');
    assert.deepEqual([book.entries.size, changes], [0, 3]);
  });
});

describe('the file of addresses', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-addresses-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('gives back what was written last', async () => {
    const path = join(directory, 'deep', 'addresses.json');
    const file = new AddressFile(path);
    assert.deepEqual(await file.read(), []);
    await Promise.all([file.write(new Map([['a', '127.64.0.1']])), file.write(new Map([['b', '127.64.0.2']]))]);
    assert.deepEqual(await new AddressFile(path).read(), [['b', '127.64.0.2']]);
    assert.match(await readFile(path, 'utf8'), /"b": "127.64.0.2"/);
  });

  for (const text of ['', '{', '[1]', '{"a": 1}', 'null', '"x"']) {
    it(`holds nothing when it says ${JSON.stringify(text)}`, async () => {
      const path = join(directory, 'bad.json');
      await writeFile(path, text);
      assert.deepEqual(await new AddressFile(path).read(), []);
    });
  }
});

describe('listeners of services', () => {
  const warnings: string[] = [];
  const log = { error: () => {}, warn: (text: string) => void warnings.push(text), info: () => {}, debug: () => {} };
  let view: MeshView;
  let door: LoopbackDoor;
  let echo: TestServer;
  let book: AddressBook;
  let listeners: ServiceListeners;
  const tell = (...services: MeshService[]): void => {
    view.apply({ revision: 1, reset: false, resources: [], services, revokedSerials: [] });
  };

  before(async () => {
    echo = await startServer((socket) => socket.pipe(socket));
  });
  beforeEach(() => {
    warnings.length = 0;
    view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    door = new LoopbackDoor();
    door.port = echo.port;
    book = new AddressBook({ seed: `test-${process.pid}` });
    listeners = new ServiceListeners({ view, book, door, log });
  });
  afterEach(() => listeners.close());
  after(() => echo.close());

  async function answersAt(address: string, port: number): Promise<boolean> {
    const talker = Talker.to(port, address);
    talker.socket.end('x');
    await until('an end', () => talker.isClosed);
    return talker.heard === 'x';
  }

  it('hand over connections under the name of the service', async () => {
    const address = (await listeners.hold(service('db', [25_432]))) ?? '';
    assert.ok(isInRange(address));
    assert.equal(await answersAt(address, 25_432), true);
    assert.deepEqual(door.destinations, [{ host: 'db.default.svc', port: 25_432 }]);
  });

  it('come and go with the ports of the service', async () => {
    const address = (await listeners.hold(service('db', [25_432]))) ?? '';
    tell(service('db', [25_433, 25_434]));
    await until('the new ports', async () => (await answersAt(address, 25_434)) && answersAt(address, 25_433));
    assert.equal(await answersAt(address, 25_432), false);
    tell(service('db', []));
    await until('no ports', () => listeners.ports === 0);
    assert.equal(await answersAt(address, 25_433), false);
    assert.equal(await listeners.hold(service('db', [25_432])), address);
    assert.equal(await answersAt(address, 25_432), true);
  });

  it('stand for services that were asked for before the restart', async () => {
    const address = book.addressOf('db.default.svc') ?? '';
    tell(service('db', [25_432]), service('never-asked-for', [25_432]));
    await until('a port', () => listeners.ports === 1);
    assert.equal(await answersAt(address, 25_432), true);
  });

  it('are also at the port that URLs without one mean, for HTTP', async () => {
    const address = (await listeners.hold(service('api', [28_080], 'http'))) ?? '';
    assert.equal(await answersAt(address, 28_080), true);
    if (!warnings.some((text) => text.includes('forbidden'))) assert.equal(await answersAt(address, 80), true);
  });

  it('move to another address where somebody else has a port of theirs', async () => {
    const address = book.addressOf('db.default.svc') ?? '';
    const other = createServer().listen(25_433, address);
    await once(other, 'listening');
    const moved = (await listeners.hold(service('db', [25_432, 25_433]))) ?? '';
    assert.notEqual(moved, address);
    assert.equal(await answersAt(moved, 25_433), true);
    assert.equal(book.nameAt(moved), 'db.default.svc');
    assert.equal(await answersAt(address, 25_432), false);
    other.close();
  });

  it('are asked for by many at once, and opened once', async () => {
    const db = service('db', [25_432]);
    const addresses = await Promise.all(Array.from({ length: 50 }, () => listeners.hold(db)));
    assert.equal(new Set(addresses).size, 1);
    assert.equal(listeners.ports, 1);
  });

  it('are not more than they may be', async () => {
    await listeners.close();
    listeners = new ServiceListeners({ view, book, door, log, mostPorts: 2 });
    const address = (await listeners.hold(service('many', [25_432, 25_433, 25_434]))) ?? '';
    assert.equal(listeners.ports, 2);
    assert.equal(await answersAt(address, 25_434), false);
    assert.deepEqual(warnings, ['no more ports can be opened on the loopback']);
  });

  it('make room for new services, but not where somebody is connected', async () => {
    await listeners.close();
    book = new AddressBook({ seed: `test-${process.pid}`, mostNames: 2 });
    listeners = new ServiceListeners({ view, book, door, log });
    const kept = (await listeners.hold(service('kept', [25_432]))) ?? '';
    const dropped = (await listeners.hold(service('dropped', [25_432]))) ?? '';
    const talker = Talker.to(25_432, kept);
    talker.socket.write('x');
    await until('an answer', () => talker.heard === 'x');
    assert.ok(await listeners.hold(service('third', [25_432])));
    assert.equal(await answersAt(dropped, 25_432), false);
    assert.deepEqual([...book.entries.keys()], ['kept.default.svc', 'third.default.svc']);
    talker.socket.destroy();
  });
});
