import { isIPv4, isIPv6 } from 'node:net';

import { ipText } from '../opening/ip-text.ts';
import type { Parsed } from '../opening/opening.ts';

/** One end of a connection. */
export interface ConnectionEnd {
  /** IP address without brackets and zone. */
  readonly address: string;
  readonly port: number;
}

/** Whose connection it is, as the proxy in front says it. */
export interface ProxyHeader {
  /** Undefined: the proxy speaks for itself (LOCAL), or does not say (UNKNOWN). */
  readonly ends: { readonly source: ConnectionEnd; readonly destination: ConnectionEnd } | undefined;
}

/** The longest of version 1 (§2.1). */
const LONGEST_V1 = 107;
const V1_START = Buffer.from('PROXY ');
const CRLF = '\r\n';
const V1_PORT = /^(?:0|[1-9]\d{0,4})$/;

/** §2.2. */
const V2_SIGNATURE: Buffer = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const V2_FIXED_BYTES = 16;
const V2 = { local: 0x20, proxy: 0x21, unspecified: 0x00, tcp4: 0x11, tcp6: 0x21 } as const;
/** Addresses and the extensions (TLV) that anybody sends fit many times; what claims more is not waited for. */
const MOST_V2_BYTES = 4096;

export const MOST_PROXY_HEADER_BYTES: number = V2_FIXED_BYTES + MOST_V2_BYTES;

/** Reads a header of the PROXY protocol, version 1 or 2 (HAProxy's proxy-protocol.txt); without one a connection is not understood. */
export function parseProxyHeader(bytes: Buffer): Parsed<ProxyHeader> {
  if (bytes.length === 0) return { kind: 'more' };
  if (startsLike(bytes, V2_SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? { kind: 'more' } : parseV2(bytes);
  if (startsLike(bytes, V1_START)) return parseV1(bytes);
  return bad('there is none');
}

/** As far as there are bytes. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const known = Math.min(bytes.length, start.length);
  return start.compare(bytes, 0, known, 0, known) === 0;
}

function parseV1(bytes: Buffer): Parsed<ProxyHeader> {
  const end = bytes.subarray(0, LONGEST_V1).indexOf(CRLF);
  if (end === -1) return bytes.length < LONGEST_V1 ? { kind: 'more' } : bad('its line does not end');
  const length = end + CRLF.length;
  const [, family, ...fields] = bytes.toString('latin1', 0, end).split(' ');
  if (family === 'UNKNOWN') return { kind: 'done', value: { ends: undefined }, length };
  const [from = '', to = '', fromPort = '', toPort = '', ...more] = fields;
  if (more.length > 0 || !isFamilyOf(family, from) || !isFamilyOf(family, to)) return bad('its addresses');
  if (!isPort(fromPort) || !isPort(toPort)) return bad('its ports');
  const source = { address: from, port: Number(fromPort) };
  const destination = { address: to, port: Number(toPort) };
  return { kind: 'done', value: { ends: { source, destination } }, length };
}

function isFamilyOf(family: string | undefined, address: string): boolean {
  if (family === 'TCP4') return isIPv4(address);
  return family === 'TCP6' && isIPv6(address) && !address.includes('%');
}

function isPort(text: string): boolean {
  return V1_PORT.test(text) && Number(text) <= 65_535;
}

function parseV2(bytes: Buffer): Parsed<ProxyHeader> {
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const size = bytes.readUInt16BE(14);
  if (command !== V2.local && command !== V2.proxy) return bad('its version or command');
  if (size > MOST_V2_BYTES) return bad('its length');
  const length = V2_FIXED_BYTES + size;
  if (bytes.length < length) return { kind: 'more' };
  if (command === V2.local || family === V2.unspecified) return { kind: 'done', value: { ends: undefined }, length };
  const block = bytes.subarray(V2_FIXED_BYTES, length);
  const addressBytes = family === V2.tcp4 ? 4 : 16;
  if (family !== V2.tcp4 && family !== V2.tcp6) return bad('its transport');
  if (block.length < 2 * addressBytes + 4) return bad('its addresses');
  const addressAt = (at: number): string => ipText(block.subarray(at, at + addressBytes));
  const ends = {
    source: { address: addressAt(0), port: block.readUInt16BE(2 * addressBytes) },
    destination: { address: addressAt(addressBytes), port: block.readUInt16BE(2 * addressBytes + 2) },
  };
  return { kind: 'done', value: { ends }, length };
}

function bad(what: string): Parsed<never> {
  return { kind: 'bad', reason: `PROXY protocol: ${what}` };
}
