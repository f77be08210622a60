import { constants } from 'node:http2';
import type { Http2Stream } from 'node:http2';

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;

/** A stream of HTTP/2 was ended before its time, by one of the codes of RFC 9113 §7. */
export class StreamReset extends Error {
  readonly resetCode: number;

  constructor(code: number) {
    super(code === NGHTTP2_CANCEL ? 'the request was cancelled' : `the stream ended with code ${code} of HTTP/2`);
    this.resetCode = code;
  }
}

/** The code that tells the other side of a failure: the one that it came with, or that it is nobody's fault there. */
export function resetCodeOf(reason: Error | undefined): number {
  if (!(reason instanceof StreamReset)) return NGHTTP2_INTERNAL_ERROR;
  // In the middle of a message nothing is in order.
  return reason.resetCode === NGHTTP2_NO_ERROR ? NGHTTP2_INTERNAL_ERROR : reason.resetCode;
}

/**
 * Ends a stream in the middle of a message. Node says first that the message has come to its end where a stream is closed,
 * unless trailers are due; and where one is destroyed it knows of one code only.
 */
export function cutOff(stream: Http2Stream, code: number, awaitsTrailers: boolean): void {
  if (awaitsTrailers || stream.writableEnded) stream.close(code);
  else stream.destroy(new StreamReset(NGHTTP2_INTERNAL_ERROR));
}
