import { RampartError } from '@rampart/core';

export function invalidCsr(problem: string): RampartError {
  return new RampartError(
    'INVALID_CSR',
    `this certificate signing request was refused: ${problem}; send a PKCS#10 request signed with an EC P-256 key`,
  );
}
