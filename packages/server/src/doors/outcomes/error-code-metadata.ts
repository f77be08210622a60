/** Metadata (a header, a trailer or the end of a stream, by protocol) that carries the stable error code. */
export const ERROR_CODE_METADATA = 'rampart-code';
