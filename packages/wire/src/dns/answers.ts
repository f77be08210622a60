const HEADER_BYTES = 12;

/** Whether a message answers this very query, whose question is so long: guessing takes the id, the port and the name. */
export function isAnswerTo(response: Uint8Array, query: Uint8Array, questionBytes: number): boolean {
  const end = HEADER_BYTES + questionBytes;
  if (response.length < end || ((response[2] ?? 0) & 0x80) === 0) return false;
  if (response[0] !== query[0] || response[1] !== query[1]) return false;
  for (let at = HEADER_BYTES; at < end; at += 1) if (response[at] !== query[at]) return false;
  return true;
}
