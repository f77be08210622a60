import type { MessageHead } from '../http1/head.ts';
import type { Portion } from '../http1/message-reader.ts';

const CLIENT_CERT = 'x-forwarded-client-cert';

/**
 * Trailers come after the request was judged, and some servers merge them into its headers (RFC 9110 §6.5.1; CVE-2013-5704
 * was such a one). They may add to the headers and never say anew what stood there; who called is never theirs to say.
 */
export function withoutForgery(portion: Portion, head: MessageHead): Portion {
  const { trailers } = portion;
  if (trailers.length === 0) return portion;
  const kept: string[] = [];
  for (let index = 0; index < trailers.length; index += 2) {
    const [name = '', value = ''] = trailers.slice(index, index + 2);
    const spelling = name.toLowerCase().replaceAll('_', '-');
    if (spelling !== CLIENT_CERT && !head.hasSpelling(spelling) && !head.has(spelling)) kept.push(name, value);
  }
  return { ...portion, trailers: kept };
}
