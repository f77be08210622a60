import assert from 'node:assert/strict';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { describe, it } from 'node:test';
import { askOutside } from './https-client.ts';
import { addressProblem, outsideLookup } from './reachable.ts';

const CASES: readonly (readonly [address: string, isReached: boolean])[] = [
  ['127.0.0.1', true],
  ['10.0.0.1', true],
  ['203.0.113.7', true],
  ['::1', true],
  ['fd12::1', true],
  ['2001:db8::1', true],
  ['169.254.169.254', false],
  ['169.254.0.1', false],
  ['::ffff:169.254.169.254', false],
  ['fe80::1', false],
  ['febf::1', false],
  ['fd00:ec2::254', false],
  ['0.0.0.0', false],
  ['0.1.2.3', false],
  ['::', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['ff02::1', false],
];

/** What a connection would go to, or why it is not made. */
function reach(addresses: readonly string[], options: LookupOptions): Promise<unknown> {
  const found = addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
  const lookup = outsideLookup((_host, _options, callback) => callback(null, found));
  const { promise, resolve } = Promise.withResolvers<unknown>();
  lookup('name.example', options, (error, address) => resolve(error?.message ?? address));
  return promise;
}

describe('an address outside', () => {
  for (const [address, isReached] of CASES) {
    it(`${address} is ${isReached ? '' : 'not '}asked, by number and by name`, async () => {
      const url = new URL(`https://${address.includes(':') ? `[${address}]` : address}/bundle`);
      assert.equal(addressProblem(url) === undefined, isReached);
      assert.equal((await reach([address], {})) === address, isReached);
    });
  }

  it('is read as the connection would read it', () => {
    for (const host of ['2852039166', '0xa9fea9fe', '169.254.43518', '0251.0376.0251.0376']) {
      assert.match(addressProblem(new URL(`https://${host}/`)) ?? '', /^169\.254\.169\.254 is no address/);
    }
  });

  it('is not reached at all by a name that leads to a good and a bad one', async () => {
    for (const options of [{}, { all: true }]) {
      assert.match(String(await reach(['203.0.113.7', '169.254.169.254'], options)), /name\.example leads to 169\.254/);
    }
    assert.deepEqual(await reach(['203.0.113.7', '::1'], { all: true }), [
      { address: '203.0.113.7', family: 4 },
      { address: '::1', family: 6 },
    ]);
  });

  it('that is nowhere gets no request, whoever names it', async () => {
    const url = new URL('http://169.254.169.254/latest/meta-data/');
    await assert.rejects(askOutside({ method: 'GET', url, headers: {} }), /no address to ask at/);
  });
});
