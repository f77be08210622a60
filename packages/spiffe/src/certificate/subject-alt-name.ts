import { DerProblem, type DerReader } from '../der/reader.ts';
import { contextConstructedTag, contextTag, TAG } from '../der/tag.ts';
import { formatIpAddress } from './ip-address.ts';

/** The names of a SubjectAltName that matter to a mesh; other kinds (mail, directory names…) are read and left out. */
export interface SubjectAltNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** GeneralName choices (RFC 5280 §4.2.1.6). */
const DNS_NAME = contextTag(2);
const URI = contextTag(6);
const IP_ADDRESS = contextTag(7);
const LEFT_OUT: ReadonlySet<number> = new Set([
  contextConstructedTag(0),
  contextTag(1),
  contextConstructedTag(3),
  contextConstructedTag(4),
  contextConstructedTag(5),
  contextTag(8),
]);

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

export function readSubjectAltNames(extension: DerReader): SubjectAltNames {
  const what = 'the subject alternative name';
  const names = extension.enter(TAG.sequence, what);
  if (names.done) throw new DerProblem(`${what} holds no name`);
  const uris: string[] = [];
  const dnsNames: string[] = [];
  const ipAddresses: string[] = [];
  while (!names.done) {
    const { tag, content } = names.any(what);
    if (tag === URI) uris.push(visibleText(content, 'a URI'));
    else if (tag === DNS_NAME) dnsNames.push(visibleText(content, 'a DNS name'));
    else if (tag === IP_ADDRESS) ipAddresses.push(ipAddress(content));
    else if (!LEFT_OUT.has(tag)) throw new DerProblem(`${what} holds an unknown kind of name`);
  }
  return { uris, dnsNames, ipAddresses };
}

/** NUL, control and non-ASCII bytes are how one reader is made to see another name than the next one. */
function visibleText(content: Uint8Array, what: string): string {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  if (!VISIBLE_ASCII.test(text)) throw new DerProblem(`${what} in the subject alternative name is not visible ASCII`);
  return text;
}

function ipAddress(content: Uint8Array): string {
  const text = formatIpAddress(content);
  if (text === undefined) throw new DerProblem('an IP address in the subject alternative name is not 4 or 16 bytes');
  return text;
}
