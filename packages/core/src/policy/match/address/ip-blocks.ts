import { inIpBlock, type IpAddress, type IpBlock } from './ip-block.ts';

/**
 * Whether an address, if there is one, lies in any of the blocks. Of two blocks one holds the other or they share nothing:
 * without those that others hold, only the last that does not begin behind an address can hold it, which is found by halves.
 */
export function compileIpBlocks(blocks: readonly IpBlock[]): (address: IpAddress | undefined) => boolean {
  const v4 = outermost(blocks.filter(({ address }) => address.length === 1));
  const v6 = outermost(blocks.filter(({ address }) => address.length === 4));
  return (address) => {
    if (address === undefined) return false;
    const block = lastBefore(address.length === 1 ? v4 : v6, address);
    return block !== undefined && inIpBlock(block, address);
  };
}

/** In the order of their first addresses; blocks of one family. */
function outermost(blocks: readonly IpBlock[]): IpBlock[] {
  const sorted = blocks.map(fromFirst).toSorted((a, b) => compare(a.address, b.address) || a.prefix - b.prefix);
  const kept: IpBlock[] = [];
  for (const block of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !inIpBlock(last, block.address)) kept.push(block);
  }
  return kept;
}

/** The block, written with its first address. */
function fromFirst({ address, prefix }: IpBlock): IpBlock {
  const masked = address.map((word, index) => {
    const bits = Math.min(Math.max(prefix - index * 32, 0), 32);
    return bits === 0 ? 0 : word & (-1 << (32 - bits));
  });
  return { address: masked, prefix };
}

function lastBefore(blocks: readonly IpBlock[], address: IpAddress): IpBlock | undefined {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const block = blocks[middle];
    if (block !== undefined && compare(block.address, address) <= 0) low = middle + 1;
    else high = middle;
  }
  return blocks[low - 1];
}

/** Words are 32 bits without a sign. */
function compare(a: IpAddress, b: IpAddress): number {
  for (let index = 0; index < a.length; index += 1) {
    const difference = ((a[index] ?? 0) >>> 0) - ((b[index] ?? 0) >>> 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
