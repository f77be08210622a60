import { LONGEST_METADATA, OPEN_BYTES, PROTOCOL_CODES, type LinkProtocol } from './format.ts';

/** What an OPEN says about its stream. */
export interface OpenPayload {
  readonly protocol: LinkProtocol;
  readonly port: number;
  readonly metadata?: Uint8Array;
}

const protocols: ReadonlyMap<number, LinkProtocol> = new Map(
  Object.entries(PROTOCOL_CODES).map(([name, code]) => [code, name as LinkProtocol]),
);

export function openPayload({ protocol, port, metadata }: OpenPayload): Buffer {
  const payload = Buffer.alloc(OPEN_BYTES + (metadata?.length ?? 0));
  payload.writeUInt8(PROTOCOL_CODES[protocol], 0);
  payload.writeUInt16BE(port, 2);
  if (metadata !== undefined) payload.set(metadata, OPEN_BYTES);
  return payload;
}

/** What is wrong with it, as a text, when it is no OPEN of this version. */
export function readOpen(payload: Buffer): OpenPayload | string {
  const code = payload.readUInt8(0);
  const protocol = protocols.get(code);
  if (protocol === undefined) return `OPEN with unknown protocol ${code}`;
  if (payload.readUInt8(1) !== 0) return 'OPEN with a second byte that is not zero';
  const port = payload.readUInt16BE(2);
  if (port === 0) return 'OPEN with port 0';
  if (payload.length === OPEN_BYTES) return { protocol, port };
  return { protocol, port, metadata: Buffer.copyBytesFrom(payload, OPEN_BYTES) };
}

export function isSoundRequest({ port, metadata }: OpenPayload): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536 && (metadata?.length ?? 0) <= LONGEST_METADATA;
}
