import type http from 'node:http';
import { createRequire } from 'node:module';

/** Imported as an ES module, `node:http` brings all that it exports, WebSockets and their client among them: 12 MB more. */
const { STATUS_CODES }: typeof http = createRequire(import.meta.url)('node:http') as typeof http;

/** What status codes are called (RFC 9110 §15). */
export const REASON_PHRASES: Readonly<Record<number, string | undefined>> = STATUS_CODES;
