import { RampartError } from '@rampart/core';

/** A serial number as the ledger keeps it. openssl prints "5F:D1:C3", the ledger has "5fd1c3". Throws INVALID_ARGUMENT. */
export function parseSerial(text: string): string {
  const serial = text
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^(?:00)+(?=..)/, '');
  if (/^[0-9a-f]{1,40}$/.test(serial)) return serial;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(text)} is not a serial number in hexadecimal; "rampart certs list" lists them`,
  );
}
