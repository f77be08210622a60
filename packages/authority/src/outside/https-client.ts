import http from 'node:http';
import https from 'node:https';
import type { AskOutside } from './ask.ts';
import { addressProblem, outsideLookup } from './reachable.ts';

/** Key sets and answers of a cloud have a few thousand bytes. */
const MAX_ANSWER_BYTES = 262_144;
/** From the call to the last byte. */
const TIMEOUT_MS = 5000;

const LOOKUP = outsideLookup();

/** Over TLS 1.2 or newer with a certificate that is judged; plain HTTP only where a resource was allowed to name it. */
export const askOutside: AskOutside = ({ method, url, headers, body, roots }) => {
  const options = {
    method,
    headers,
    ...(roots === undefined ? {} : { ca: roots }),
    agent: false,
    lookup: LOOKUP,
    minVersion: 'TLSv1.2',
  } as const;
  const nowhere = addressProblem(url);
  if (nowhere !== undefined) return Promise.reject(new Error(`${url.origin}${url.pathname}: ${nowhere}`));
  return new Promise((resolve, reject) => {
    const give = (problem: string): void => {
      clearTimeout(timer);
      reject(new Error(`${url.origin}${url.pathname}: ${problem}`));
      request.destroy();
    };
    const request = (url.protocol === 'https:' ? https : http).request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > MAX_ANSWER_BYTES) give(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
        else chunks.push(chunk);
      });
      response.on('error', (error) => give(error.message));
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    const timer = setTimeout(() => give(`no answer within ${TIMEOUT_MS} ms`), TIMEOUT_MS);
    request.on('error', (error) => give(error.message));
    request.end(body);
  });
};
