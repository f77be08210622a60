/** How many bits a set of methods takes. */
export const METHOD_BITS = 10;
/** Every method there is. */
export const EVERY_METHOD = 1023;
const OTHER_METHOD = 512;

/** The methods of RFC 9110 §9 and RFC 5789, each a bit; any other method is one bit more. A switch compares pointers only. */
export function methodBit(method: string): number {
  switch (method) {
    case 'GET':
      return 1;
    case 'POST':
      return 2;
    case 'PUT':
      return 4;
    case 'DELETE':
      return 8;
    case 'HEAD':
      return 16;
    case 'PATCH':
      return 32;
    case 'OPTIONS':
      return 64;
    case 'CONNECT':
      return 128;
    case 'TRACE':
      return 256;
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
