import { isIPv4 } from 'node:net';

import { addressBytes } from '@rampart/wire/dns';

import type { ConnectionEnd } from './proxy-header.ts';

export interface ProxyHeaderContent {
  readonly source: ConnectionEnd;
  readonly destination: ConnectionEnd;
  /** SPIFFE ID that the caller has proved; "" on plaintext. Only version 2 can say it, as the name of its certificate. */
  readonly principal?: string;
  /** "TLSv1.3". */
  readonly tlsVersion?: string;
}

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const PROXY_V2 = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
/** §2.2.6: types of extensions. */
const SSL = 0x20;
const SSL_VERSION = 0x21;
const SSL_COMMON_NAME = 0x22;
/** The client came over TLS, and has shown a certificate on this connection. */
const CLIENT_WITH_CERTIFICATE = 0x03;
const VERIFIED = [0, 0, 0, 0];

/** One line of text (HAProxy's proxy-protocol.txt §2.1). */
export function writeProxyHeaderV1({ source, destination }: ProxyHeaderContent): Uint8Array {
  const isFour = areFour(source, destination);
  const [from, to] = [source, destination].map(({ address }) => (isFour ? address : sixText(address)));
  return Buffer.from(`PROXY ${isFour ? 'TCP4' : 'TCP6'} ${from} ${to} ${source.port} ${destination.port}\r\n`);
}

/** The binary form (§2.2), with who the caller has proved to be. */
export function writeProxyHeaderV2(content: ProxyHeaderContent): Uint8Array {
  const { source, destination } = content;
  const isFour = areFour(source, destination);
  const addresses = [source, destination].flatMap(({ address }) => [...bytesOf(address, isFour)]);
  const ports = [source, destination].flatMap(({ port }) => [port >> 8, port & 0xff]);
  const block = [...addresses, ...ports, ...sslOf(content)];
  const length = [block.length >> 8, block.length & 0xff];
  return Uint8Array.from([...SIGNATURE, PROXY_V2, isFour ? TCP4 : TCP6, ...length, ...block]);
}

function sslOf({ principal = '', tlsVersion = '' }: ProxyHeaderContent): readonly number[] {
  if (principal === '') return [];
  const names = [
    ...extension(SSL_VERSION, Buffer.from(tlsVersion)),
    ...extension(SSL_COMMON_NAME, Buffer.from(principal)),
  ];
  return extension(SSL, [CLIENT_WITH_CERTIFICATE, ...VERIFIED, ...names]);
}

function extension(type: number, value: Iterable<number>): readonly number[] {
  const bytes = [...value];
  return [type, bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

/** Both ends are of one family in a header. */
function areFour(source: ConnectionEnd, destination: ConnectionEnd): boolean {
  return isIPv4(source.address) && isIPv4(destination.address);
}

function sixText(address: string): string {
  return isIPv4(address) ? `::ffff:${address}` : address;
}

function bytesOf(address: string, isFour: boolean): Uint8Array {
  return addressBytes(isFour ? address : sixText(address)) ?? new Uint8Array(isFour ? 4 : 16);
}
