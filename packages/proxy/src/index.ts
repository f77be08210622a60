export type { ByteReceiver, ByteStream } from './stream/byte-stream.ts';
export { SocketStream } from './stream/socket-stream.ts';
