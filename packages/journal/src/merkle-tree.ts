import { hash } from 'node:crypto';
import { RampartError } from '@rampart/core';
import type { MerkleNode, MerkleState } from './store.ts';

// RFC 9162 §2.1.1: the prefixes keep a leaf from passing for an inner node.
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;
const HASH_OCTETS = 32;
/** What an inner node is the hash of: made anew for each, as would be bytes of each hash, it would cost more than the hash. */
const children = Buffer.alloc(1 + 2 * HASH_OCTETS, NODE_PREFIX);

/** Hex SHA-256 of 0x00 and the bytes (of text: its UTF-8 bytes) of one entry: MTH({d}) of RFC 9162 §2.1.1. */
export function leafHash(data: string | Uint8Array): string {
  const prefixed =
    typeof data === 'string'
      ? String.fromCharCode(LEAF_PREFIX) + data
      : Buffer.concat([Uint8Array.of(LEAF_PREFIX), data]);
  return hash('sha256', prefixed, 'hex');
}

/**
 * Every how many levels the roots of complete subtrees are kept, so that a proof reads at most sixteen hashes for each four
 * levels of the tree, and every fifteenth entry stores one.
 */
export const KEPT_LEVELS = 4;

/**
 * A Merkle tree (RFC 9162 §2.1.1) that only grows. It keeps the complete subtrees of its right edge, so that appending and
 * the root cost O(log n) and the leaves are not needed.
 */
export class MerkleTree {
  #size = 0;
  /** Hex. */
  #peaks: string[] = [];

  /** Continues from a stored state; throws `RampartError` STORAGE_FAILED when the state cannot be one of a tree. */
  static restore(state: MerkleState): MerkleTree {
    if (!isSound(state)) {
      throw new RampartError(
        'STORAGE_FAILED',
        'the stored tree of the journal is damaged; restore the data directory from a backup',
      );
    }
    const tree = new MerkleTree();
    tree.#size = state.size;
    tree.#peaks = [...state.peaks];
    return tree;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** Hex root; SHA-256 of nothing while there is no leaf. */
  get root(): string {
    return rootOfPeaks(this.#peaks);
  }

  /** The tree as it is now, for those who may ask later what its root was. */
  snapshot(): { readonly size: number; readonly rootOf: () => string } {
    const peaks = [...this.#peaks];
    return { size: this.#size, rootOf: () => rootOfPeaks(peaks) };
  }

  /** Appends a leaf by its hex hash (`leafHash`); `keep` hears of the subtrees that it completes, each `KEPT_LEVELS`th level. */
  add(leaf: string, keep?: (node: MerkleNode) => void): void {
    let node = leaf;
    let height = 0;
    for (let subtrees = this.#size; subtrees % 2 === 1; subtrees = (subtrees - 1) / 2) {
      const left = this.#peaks.pop();
      if (left !== undefined) node = nodeHash(left, node);
      height += 1;
      if (height % KEPT_LEVELS === 0) keep?.({ height, position: (subtrees - 1) / 2, hash: node });
    }
    this.#peaks.push(node);
    this.#size += 1;
  }

  state(): MerkleState {
    return { size: this.#size, peaks: [...this.#peaks] };
  }
}

/** Hex root of a tree by those of its left and right subtree, RFC 9162 §2.1.1. */
export function nodeHash(left: string, right: string): string {
  const isWhole = writeHash(left, 1) && writeHash(right, 1 + HASH_OCTETS);
  if (isWhole) return hash('sha256', children, 'hex');
  // What is no hash is no part of a tree, and its root must not be one either.
  const given = Buffer.concat([Uint8Array.of(NODE_PREFIX), Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]);
  return hash('sha256', given, 'hex');
}

/** False for what is not the hex of a hash, of which only a part may have been written. */
function writeHash(hex: string, at: number): boolean {
  return hex.length === 2 * HASH_OCTETS && children.write(hex, at, HASH_OCTETS, 'hex') === HASH_OCTETS;
}

function rootOfPeaks(peaks: readonly string[]): string {
  return peaks.length === 0 ? hash('sha256', '', 'hex') : peaks.reduceRight((right, left) => nodeHash(left, right));
}

function isSound({ size, peaks }: MerkleState): boolean {
  if (!Number.isSafeInteger(size) || size < 0) return false;
  const complete = size.toString(2).replaceAll('0', '').length;
  return peaks.length === complete && peaks.every((peak) => /^[0-9a-f]{64}$/.test(peak));
}
