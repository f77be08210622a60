/** Leaves from `start` up to and without `end`, counted from 0. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** The subtrees whose roots make the inclusion path PATH(index, D[size]), in its order (RFC 9162 §2.1.3.1). */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let within: LeafRange = { start: 0, end: size };
  while (within.end - within.start > 1) {
    const { left, right } = split(within);
    const isLeft = index < left.end;
    ranges.push(isLeft ? right : left);
    within = isLeft ? left : right;
  }
  return ranges.reverse();
}

/** The subtrees whose roots make PROOF(first, D[second]), in its order (RFC 9162 §2.1.4.1); none where `first` is 0. */
export function consistencyRanges(first: number, second: number): LeafRange[] {
  if (first === 0) return [];
  const ranges: LeafRange[] = [];
  let within: LeafRange = { start: 0, end: second };
  while (within.end !== first) {
    const { left, right } = split(within);
    const isLeft = first <= left.end;
    ranges.push(isLeft ? right : left);
    within = isLeft ? left : right;
  }
  // The older tree itself is known to who verifies; a part of it is not.
  if (within.start > 0) ranges.push(within);
  return ranges.reverse();
}

/** The two subtrees of a tree of more than one leaf: the left one is the largest complete one that leaves something over. */
export function split({ start, end }: LeafRange): { readonly left: LeafRange; readonly right: LeafRange } {
  const middle = start + largestPowerOfTwoBelow(end - start);
  return { left: { start, end: middle }, right: { start: middle, end } };
}

/** Exact for every count; a logarithm is not. */
function largestPowerOfTwoBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
