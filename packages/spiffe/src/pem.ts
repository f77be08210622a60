import { RampartError } from '@rampart/core';

const LINE_OCTETS = 48;
const BASE64_LINE = /^[A-Za-z0-9+/]+={0,2}$/;

/** Textual encoding of DER (RFC 7468): 64 characters a line, a line feed at the end. */
export function toPem(der: Uint8Array, label = 'CERTIFICATE'): string {
  const lines: string[] = [];
  for (let at = 0; at < der.length; at += LINE_OCTETS)
    lines.push(Buffer.from(der.subarray(at, at + LINE_OCTETS)).toString('base64'));
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/**
 * The DER of every block with this label, in order; text around the blocks and blocks of other labels are passed over.
 * @throws RampartError INVALID_CERTIFICATE when a block with this label is cut off or is not base64, with its line.
 */
export function fromPem(text: string, label = 'CERTIFICATE'): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  let begin: number | undefined;
  let body: string[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === `-----BEGIN ${label}-----`) {
      if (begin !== undefined) throw broken(label, begin, 'does not end before the next one begins');
      begin = index + 1;
      body = [];
    } else if (begin !== undefined && line === `-----END ${label}-----`) {
      blocks.push(decodeBody(body.join(''), label, begin));
      begin = undefined;
    } else if (begin !== undefined) body.push(line);
  }
  if (begin !== undefined) throw broken(label, begin, 'has no end');
  return blocks;
}

function decodeBody(body: string, label: string, line: number): Uint8Array {
  const bytes = Buffer.from(body, 'base64');
  // Buffer skips what is not base64; printing it back shows that, and wrong padding too.
  if (!BASE64_LINE.test(body) || bytes.toString('base64') !== body) throw broken(label, line, 'is not base64');
  return new Uint8Array(bytes);
}

function broken(label: string, line: number, what: string): RampartError {
  return new RampartError(
    'INVALID_CERTIFICATE',
    `PEM block ${label} at line ${line} ${what}; copy the file again from its source`,
  );
}
