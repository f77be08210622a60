import { RampartError } from '@rampart/core';
import type { CsrProblem } from '@rampart/spiffe';

/** INVALID_CSR, with the rule's name in the text and as `detail`. */
export function invalidCsr({ rule, message }: CsrProblem): RampartError {
  return new RampartError(
    'INVALID_CSR',
    `this certificate signing request was refused by rule ${rule}: ${message}; send a PKCS#10 request for an EC P-256 key, signed with ecdsa-with-SHA256`,
    { detail: rule },
  );
}
