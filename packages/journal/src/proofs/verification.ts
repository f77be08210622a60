import { nodeHash } from '../merkle-tree.ts';
import type { ConsistencyProof, InclusionProof } from './proofs.ts';

/** True when the proof shows that the leaf with this hex hash is in the tree with this hex root; RFC 9162 §2.1.3.2. */
export function verifyInclusion({ index, size, hashes }: InclusionProof, leaf: string, root: string): boolean {
  if (!isSound([leaf, root, ...hashes]) || !isCount(index) || !isCount(size) || index >= size) return false;
  const way = new Way(index, size - 1);
  let found = leaf;
  for (const hash of hashes) {
    if (way.isAtRoot) return false;
    found = way.isRightChild ? nodeHash(hash, found) : nodeHash(found, hash);
    way.climb();
  }
  return way.isAtRoot && found === root;
}

/** True when the proof shows that the tree with the second hex root begins with the one with the first; RFC 9162 §2.1.4.2. */
export function verifyConsistency(
  { first, second, hashes }: ConsistencyProof,
  firstRoot: string,
  secondRoot: string,
): boolean {
  if (!isSound([firstRoot, secondRoot, ...hashes]) || !isCount(first) || !isCount(second) || first > second)
    return false;
  if (first === second) return hashes.length === 0 && firstRoot === secondRoot;
  // Every tree begins with the empty one.
  if (first === 0) return hashes.length === 0;
  const [start, ...rest] = isPowerOfTwo(first) ? [firstRoot, ...hashes] : hashes;
  if (start === undefined) return false;
  const way = new Way(first - 1, second - 1);
  way.skipCompleted();
  let older = start;
  let newer = older;
  for (const hash of rest) {
    if (way.isAtRoot) return false;
    if (way.isRightChild) {
      older = nodeHash(hash, older);
      newer = nodeHash(hash, newer);
    } else {
      newer = nodeHash(newer, hash);
    }
    way.climb();
  }
  return way.isAtRoot && older === firstRoot && newer === secondRoot;
}

/** From a node of the tree (`fn` of the RFC) and the last one of its level (`sn`) up to the root. */
class Way {
  #node: number;
  #last: number;

  constructor(node: number, last: number) {
    this.#node = node;
    this.#last = last;
  }

  get isAtRoot(): boolean {
    return this.#last === 0;
  }

  /** It has a left sibling, be it one further up. */
  get isRightChild(): boolean {
    return isOdd(this.#node) || this.#node === this.#last;
  }

  climb(): void {
    // The last node of a level that has no sibling there rises unchanged to the level where it has one.
    if (this.isRightChild) while (!isOdd(this.#node) && this.#node !== 0) this.#up();
    this.#up();
  }

  /** Rises over the levels on which the older tree is complete. */
  skipCompleted(): void {
    while (isOdd(this.#node)) this.#up();
  }

  #up(): void {
    this.#node = Math.floor(this.#node / 2);
    this.#last = Math.floor(this.#last / 2);
  }
}

// Not bit operations: those see 32 bits.
function isOdd(count: number): boolean {
  return count % 2 === 1;
}

function isPowerOfTwo(count: number): boolean {
  let rest = count;
  while (rest > 1 && !isOdd(rest)) rest /= 2;
  return rest === 1;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isSound(hashes: readonly string[]): boolean {
  return hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash));
}
