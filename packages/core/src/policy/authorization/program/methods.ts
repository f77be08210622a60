/** Taken by a clause that asks for no method, or for one that has no bit. */
export const EVERY_METHOD = -1;
const OTHER_METHOD = 0x4000_0000;

/** The methods of RFC 9110 §9 and RFC 5789, each a bit; any other method is one bit more. A switch compares pointers only. */
export function methodBit(method: string): number {
  switch (method) {
    case 'GET':
      return 1;
    case 'POST':
      return 4;
    case 'PUT':
      return 8;
    case 'DELETE':
      return 16;
    case 'HEAD':
      return 2;
    case 'PATCH':
      return 256;
    case 'OPTIONS':
      return 64;
    case 'CONNECT':
      return 32;
    case 'TRACE':
      return 128;
    default:
      return OTHER_METHOD;
  }
}

/** The bits of methods that a policy lists; undefined when they need more than comparing bits. */
export function methodBits(methods: readonly string[]): number | undefined {
  let bits = 0;
  for (const method of methods) {
    const bit = methodBit(method);
    if (bit === OTHER_METHOD) return undefined;
    bits |= bit;
  }
  return bits;
}
