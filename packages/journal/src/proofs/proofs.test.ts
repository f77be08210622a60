import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createMemoryJournalStore } from '../memory-store.ts';
import { leafHash, MerkleTree } from '../merkle-tree.ts';
import type { JournalEntry, JournalStore, MerkleNode } from '../store.ts';
import { consistencyProof, inclusionProof } from './proofs.ts';
import { verifyConsistency, verifyInclusion } from './verification.ts';

/**
 * Leaves, inner nodes and proofs as transparency-dev/merkle (testonly/constants.go, testonly/reference_test.go) and Certificate
 * Transparency's merkle_tree_test.cc publish them.
 */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const NODE = {
  l0: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  l1: '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  l2: '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7',
  l3: '07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7',
  l4: 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  l6: 'b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f',
  l01: 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  l23: '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  l45: '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
  l67: 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  l0123: 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  l4567: '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  l456: '837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e',
};

const PATHS: readonly { leaf: number; size: number; hashes: readonly string[] }[] = [
  { leaf: 0, size: 1, hashes: [] },
  { leaf: 0, size: 8, hashes: [NODE.l1, NODE.l23, NODE.l4567] },
  { leaf: 5, size: 8, hashes: [NODE.l4, NODE.l67, NODE.l0123] },
  { leaf: 2, size: 3, hashes: [NODE.l01] },
  { leaf: 1, size: 5, hashes: [NODE.l0, NODE.l23, NODE.l4] },
  { leaf: 2, size: 8, hashes: [NODE.l3, NODE.l01, NODE.l4567] },
  { leaf: 5, size: 7, hashes: [NODE.l4, NODE.l6, NODE.l0123] },
];

const EXTENSIONS: readonly { first: number; second: number; hashes: readonly string[] }[] = [
  { first: 1, second: 1, hashes: [] },
  { first: 1, second: 8, hashes: [NODE.l1, NODE.l23, NODE.l4567] },
  { first: 6, second: 8, hashes: [NODE.l45, NODE.l67, NODE.l0123] },
  { first: 2, second: 5, hashes: [NODE.l23, NODE.l4] },
  { first: 3, second: 7, hashes: [NODE.l2, NODE.l3, NODE.l01, NODE.l456] },
];

/** The example of RFC 9162 §2.1.5: seven leaves, paths by the names of the RFC's figure. */
const RFC_PATHS: readonly { leaf: number; names: string }[] = [
  { leaf: 0, names: 'b h l' },
  { leaf: 3, names: 'c g l' },
  { leaf: 4, names: 'f j k' },
  { leaf: 6, names: 'i k' },
];
const RFC_EXTENSIONS: readonly { first: number; names: string }[] = [
  { first: 3, names: 'c d g l' },
  { first: 4, names: 'l' },
  { first: 6, names: 'i j k' },
];

describe('published proofs', () => {
  for (const { leaf, size, hashes } of PATHS) {
    it(`inclusion of leaf ${leaf} in a tree of ${size}`, async () => {
      const { store, roots, leaves } = await grown(LEAVES.map((hex) => Buffer.from(hex, 'hex')));
      const proof = await inclusionProof(store, leaf, size);
      assert.deepEqual(proof, { index: leaf, size, hashes });
      assert.ok(verifyInclusion(proof, leaves[leaf] ?? '', roots[size] ?? ''));
    });
  }
  for (const { first, second, hashes } of EXTENSIONS) {
    it(`a tree of ${second} is consistent with one of ${first}`, async () => {
      const { store, roots } = await grown(LEAVES.map((hex) => Buffer.from(hex, 'hex')));
      const proof = await consistencyProof(store, first, second);
      assert.deepEqual(proof, { first, second, hashes });
      assert.ok(verifyConsistency(proof, roots[first] ?? '', roots[second] ?? ''));
    });
  }
});

describe('the example of RFC 9162 §2.1.5', () => {
  const leaves = Array.from({ length: 7 }, (_, index) => Buffer.from(`d${index}`));

  it('has the paths of the figure', async () => {
    const { store } = await grown(leaves);
    const named = figure(leaves);
    for (const { leaf, names } of RFC_PATHS) {
      assert.deepEqual((await inclusionProof(store, leaf, 7)).hashes, names.split(' ').map(named));
    }
    for (const { first, names } of RFC_EXTENSIONS) {
      assert.deepEqual((await consistencyProof(store, first, 7)).hashes, names.split(' ').map(named));
    }
  });
});

describe('proofs of a tree of 300 leaves', () => {
  const leaves = Array.from({ length: 300 }, (_, index) => Buffer.from(`leaf ${index}`));
  const sizes = [1, 2, 3, 16, 17, 255, 256, 300];

  it('verify for every leaf, and for no other leaf, place, size or root', async () => {
    const { store, roots, leaves: hashes } = await grown(leaves);
    for (const size of sizes) {
      for (let index = 0; index < size; index += 1) {
        const proof = await inclusionProof(store, index, size);
        const [leaf, root] = [hashes[index] ?? '', roots[size] ?? ''];
        assert.ok(verifyInclusion(proof, leaf, root), `${index} of ${size}`);
        assert.ok(!verifyInclusion(proof, hashes[(index + 1) % 300] ?? '', root));
        assert.ok(!verifyInclusion(proof, leaf, roots[size - 1] ?? ''));
        assert.ok(!verifyInclusion({ ...proof, hashes: [...proof.hashes, leaf] }, leaf, root));
        if (size > 1) assert.ok(!verifyInclusion({ ...proof, index: (index + 1) % size }, leaf, root));
        if (size > 1) assert.ok(!verifyInclusion({ ...proof, hashes: proof.hashes.slice(1) }, leaf, root));
      }
    }
  });

  it('verify from every size to every later one, and with no hash changed, left out or put in', async () => {
    const { store, roots } = await grown(leaves);
    for (const second of sizes) {
      for (let first = 0; first <= second; first += 1) {
        const proof = await consistencyProof(store, first, second);
        const [older, newer] = [roots[first] ?? '', roots[second] ?? ''];
        assert.ok(verifyConsistency(proof, older, newer), `${first} to ${second}`);
        assert.ok(!verifyConsistency({ ...proof, hashes: [...proof.hashes, newer] }, older, newer));
        for (const [at] of proof.hashes.entries()) {
          assert.ok(!verifyConsistency({ ...proof, hashes: proof.hashes.toSpliced(at, 1) }, older, newer));
          assert.ok(!verifyConsistency({ ...proof, hashes: proof.hashes.with(at, leafHash('x')) }, older, newer));
        }
        if (first > 0) assert.ok(!verifyConsistency(proof, leafHash('another past'), newer));
        if (first > 0) assert.ok(!verifyConsistency(proof, older, leafHash('another present')));
      }
    }
  });

  it('refuse what is no leaf of the tree, and a tree that is longer than the later one', async () => {
    const { store } = await grown(leaves);
    for (const index of [-1, 300, 1.5]) {
      await assert.rejects(inclusionProof(store, index, 300), { code: 'INVALID_ARGUMENT' });
    }
    await assert.rejects(consistencyProof(store, 301, 300), { code: 'INVALID_ARGUMENT' });
  });

  it('say which entries they miss when the store lost a hash', async () => {
    const { store } = await grown(leaves);
    const lost = {
      hashes: async (row: Parameters<JournalStore['hashes']>[0]) => (await store.hashes(row)).slice(0, 3),
    };
    await assert.rejects(inclusionProof(lost, 0, 300), /lost a hash of its entries 1 to 16; .* rampart audit verify/);
  });
});

describe('what a proof reads', () => {
  it('is some sixteen hashes for each four levels, however many entries there are', async () => {
    const size = 5000;
    const { store } = await grown(Array.from({ length: size }, (_, index) => Buffer.from(String(index))));
    let read = 0;
    const counting = {
      hashes: async (row: Parameters<JournalStore['hashes']>[0]): Promise<readonly string[]> => {
        const hashes = await store.hashes(row);
        read += hashes.length;
        return hashes;
      },
    };
    await inclusionProof(counting, 1234, size);
    assert.ok(read <= 2 * 16 * 4, `${read} hashes`);
    read = 0;
    await consistencyProof(counting, 1234, size);
    assert.ok(read <= 2 * 16 * 4, `${read} hashes`);
  });
});

describe('a verifier', () => {
  it('takes no proof of anything for a proof, and never fails', () => {
    const count = fc.oneof(fc.nat({ max: 20 }), fc.double(), fc.maxSafeInteger());
    const hash = fc.oneof(fc.string(), fc.constant(leafHash('x')));
    fc.assert(
      fc.property(count, count, fc.array(hash, { maxLength: 8 }), (one, other, hashes) => {
        assert.equal(verifyInclusion({ index: one, size: other, hashes }, leafHash('a'), leafHash('b')), false);
        const consistent = verifyConsistency({ first: one, second: other, hashes }, leafHash('a'), leafHash('b'));
        assert.equal(consistent, one === 0 && other >= 0 && Number.isSafeInteger(other) && hashes.length === 0);
      }),
    );
  });
});

interface Grown {
  readonly store: JournalStore;
  /** Hex leaf hashes. */
  readonly leaves: readonly string[];
  /** Hex root of each size, from 0. */
  readonly roots: readonly string[];
}

async function grown(leaves: readonly Uint8Array[]): Promise<Grown> {
  const tree = new MerkleTree();
  const nodes: MerkleNode[] = [];
  const hashes = leaves.map((leaf) => leafHash(leaf));
  const roots = [tree.root];
  for (const hash of hashes) {
    tree.add(hash, (node) => nodes.push(node));
    roots.push(tree.root);
  }
  const store = createMemoryJournalStore();
  const entries = hashes.map((leafHash, index): JournalEntry => ({
    sequence: index + 1,
    at: 0,
    stream: 'audit',
    kind: 'K',
    body: '',
    leafHash,
  }));
  await store.append({ entries, tree: tree.state(), nodes });
  return { store, leaves: hashes, roots };
}

/** The nodes of the RFC's figure by their letters: leaves a to f and j, and what stands above them. */
function figure(leaves: readonly Uint8Array[]): (name: string) => string {
  const root = (from: number, to: number): string => {
    const tree = new MerkleTree();
    for (const leaf of leaves.slice(from, to)) tree.add(leafHash(leaf));
    return tree.root;
  };
  const spans: Readonly<Record<string, readonly [number, number]>> = {
    a: [0, 1],
    b: [1, 2],
    c: [2, 3],
    d: [3, 4],
    e: [4, 5],
    f: [5, 6],
    j: [6, 7],
    g: [0, 2],
    h: [2, 4],
    i: [4, 6],
    k: [0, 4],
    l: [4, 7],
  };
  return (name) => {
    const [from, to] = spans[name] ?? [0, 0];
    return root(from, to);
  };
}
