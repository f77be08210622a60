import type { Destination } from '../captured-connection.ts';
import type { Parsed } from '../opening/opening.ts';
import { hostOf } from '../opening/host-name.ts';
import { ipText } from '../opening/ip-text.ts';

/** What a SOCKS server answers (RFC 1928 §6). */
export const SOCKS_REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  hostUnreachable: 4,
  refused: 5,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

export type SocksReply = (typeof SOCKS_REPLY)[keyof typeof SOCKS_REPLY];

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const CONNECT = 1;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;
/** VER CMD RSV ATYP */
const FIXED_BYTES = 4;
const PORT_BYTES = 2;

/** Selects "no authentication" (RFC 1928 §3). */
export const SOCKS_WELCOME: Uint8Array = Uint8Array.of(VERSION, NO_AUTHENTICATION);
/** No acceptable method. */
export const SOCKS_UNACCEPTABLE: Uint8Array = Uint8Array.of(VERSION, 0xff);

/** The longest greeting, and the longest request. */
export const MOST_SOCKS_BYTES: number = 2 + 255 + FIXED_BYTES + 1 + 255 + PORT_BYTES;

/** What a request asks for, or what is to be answered to it. */
export type SocksRequest =
  | { readonly kind: 'connect'; readonly destination: Destination }
  | { readonly kind: 'refused'; readonly reply: SocksReply; readonly reason: string };

/** A client's greeting: whether it would do without authentication (RFC 1928 §3). */
export function parseGreeting(bytes: Buffer): Parsed<boolean> {
  const [version, count] = bytes;
  if (version !== undefined && version !== VERSION) return { kind: 'bad', reason: `SOCKS version ${version}` };
  if (count === 0) return { kind: 'bad', reason: 'a greeting without methods' };
  if (count === undefined || bytes.length < 2 + count) return { kind: 'more' };
  const length = 2 + count;
  return { kind: 'done', value: bytes.subarray(2, length).includes(NO_AUTHENTICATION), length };
}

/** A client's request (RFC 1928 §4, §5). */
export function parseRequest(bytes: Buffer): Parsed<SocksRequest> {
  const [version, command, reserved, type] = bytes;
  if (version !== undefined && version !== VERSION) return { kind: 'bad', reason: `SOCKS version ${version}` };
  if (reserved !== undefined && reserved !== 0) return { kind: 'bad', reason: 'a reserved byte that is not 0' };
  if (type === undefined) return { kind: 'more' };
  const address = addressAt(bytes, type);
  if (address === 'unknown type') {
    const reason = `address type ${type}`;
    const reply = SOCKS_REPLY.addressTypeNotSupported;
    return { kind: 'done', value: { kind: 'refused', reply, reason }, length: FIXED_BYTES };
  }
  if (address === undefined || bytes.length < address.end + PORT_BYTES) return { kind: 'more' };
  const length = address.end + PORT_BYTES;
  const refused = (reply: SocksReply, reason: string): Parsed<SocksRequest> => ({
    kind: 'done',
    value: { kind: 'refused', reply, reason },
    length,
  });
  if (command !== CONNECT) return refused(SOCKS_REPLY.commandNotSupported, `command ${command}`);
  const port = bytes.readUInt16BE(address.end);
  if (port === 0) return refused(SOCKS_REPLY.failure, 'port 0');
  const host = hostOf(address.text);
  if (host === undefined) return refused(SOCKS_REPLY.failure, 'a name that is none');
  return { kind: 'done', value: { kind: 'connect', destination: { host, port } }, length };
}

/** A reply; which address the connection leaves from is nobody's business (RFC 1928 §6). */
export function encodeReply(reply: SocksReply): Uint8Array {
  return Uint8Array.of(VERSION, reply, 0, ADDRESS.ipv4, 0, 0, 0, 0, 0, 0);
}

interface AddressText {
  readonly text: string;
  readonly end: number;
}

/** Undefined: there is more to come. */
function addressAt(bytes: Buffer, type: number): AddressText | 'unknown type' | undefined {
  switch (type) {
    case ADDRESS.ipv4: {
      const end = FIXED_BYTES + 4;
      return bytes.length < end ? undefined : { text: ipText(bytes.subarray(FIXED_BYTES, end)), end };
    }
    case ADDRESS.ipv6: {
      const end = FIXED_BYTES + 16;
      return bytes.length < end ? undefined : { text: ipText(bytes.subarray(FIXED_BYTES, end)), end };
    }
    case ADDRESS.name: {
      const end = FIXED_BYTES + 1 + (bytes[FIXED_BYTES] ?? 255);
      return bytes.length < end ? undefined : { text: bytes.toString('latin1', FIXED_BYTES + 1, end), end };
    }
    default:
      return 'unknown type';
  }
}
