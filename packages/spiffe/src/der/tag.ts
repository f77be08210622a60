/** Identifier octets of the ASN.1 types that X.509 and PKCS#10 use (X.690 §8.1.2). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific, primitive: `[number] IMPLICIT` of a primitive type. */
export function contextTag(number: number): number {
  return 0x80 | number;
}

/** Context-specific, constructed: `[number] EXPLICIT`, or IMPLICIT of a constructed type. */
export function contextConstructedTag(number: number): number {
  return 0xa0 | number;
}
