import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { leafHash, MerkleTree } from './merkle-tree.ts';

const EMPTY_ROOT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** The leaves and roots that implementations of RFC 6962 (and its successor RFC 9162) test themselves with. */
const KNOWN_ANSWERS: readonly { leaf: string; root: string }[] = [
  { leaf: '', root: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d' },
  { leaf: '00', root: 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125' },
  { leaf: '10', root: 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77' },
  { leaf: '2021', root: 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7' },
  { leaf: '3031', root: '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4' },
  { leaf: '40414243', root: '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef' },
  { leaf: '5051525354555657', root: 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c' },
  {
    leaf: '606162636465666768696a6b6c6d6e6f',
    root: '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  },
];

describe('RFC 9162 §2.1.1: the Merkle tree hash', () => {
  it('of nothing is SHA-256 of nothing', () => assert.equal(new MerkleTree().root, EMPTY_ROOT));

  const tree = new MerkleTree();
  for (const [index, { leaf, root }] of KNOWN_ANSWERS.entries()) {
    it(`known answer for ${index + 1} leaves`, () => {
      tree.add(leafHash(Buffer.from(leaf, 'hex')));
      assert.equal(tree.root, root);
      assert.equal(tree.size, index + 1);
    });
  }

  it('text is hashed as its UTF-8 bytes', () => assert.equal(leafHash('☃'), leafHash(Buffer.from('☃'))));

  it('of any leaves is the root of the recursive definition', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 70 }), (leaves) => {
        const grown = new MerkleTree();
        for (const leaf of leaves) grown.add(leafHash(leaf));
        assert.equal(grown.root, recursiveRoot(leaves));
      }),
    );
  });
});

describe('the right edge of the tree', () => {
  it('is all that is needed to go on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { maxLength: 40 }),
        fc.array(fc.string(), { maxLength: 40 }),
        (before, after) => {
          const whole = new MerkleTree();
          for (const leaf of before) whole.add(leafHash(leaf));
          const continued = MerkleTree.restore(whole.state());
          for (const leaf of after) {
            whole.add(leafHash(leaf));
            continued.add(leafHash(leaf));
          }
          assert.deepEqual(continued.state(), whole.state());
          assert.equal(continued.root, whole.root);
        },
      ),
    );
  });

  for (const { rule, state } of [
    { rule: 'has one peak for each complete subtree', state: { size: 3, peaks: [leafHash('a')] } },
    { rule: 'has no peak when there is no leaf', state: { size: 0, peaks: [leafHash('a')] } },
    { rule: 'has SHA-256 hashes for peaks', state: { size: 1, peaks: ['abc'] } },
    { rule: 'has a whole number of leaves', state: { size: 0.5, peaks: [] } },
    { rule: 'has no negative number of leaves', state: { size: -1, peaks: [leafHash('a')] } },
  ]) {
    it(rule, () => assert.throws(() => MerkleTree.restore(state), { code: 'STORAGE_FAILED' }));
  }
});

/** RFC 9162 §2.1.1 word for word. */
function recursiveRoot(leaves: readonly string[]): string {
  const [only] = leaves;
  if (only === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return leafHash(only);
  const split = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  const children = recursiveRoot(leaves.slice(0, split)) + recursiveRoot(leaves.slice(split));
  return hash('sha256', Buffer.from(`01${children}`, 'hex'), 'hex');
}
