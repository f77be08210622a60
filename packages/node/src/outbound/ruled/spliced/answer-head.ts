import { isOfConnection } from '../passed-headers.ts';

/** Where an answer's body ends (RFC 9112 §6.3). */
export type AnswerEnd = { readonly by: 'length'; readonly bytes: number } | { readonly by: 'chunks' | 'close' };

/** What an instance said before the body of its answer. */
export interface AnswerHead {
  readonly status: number;
  readonly phrase: string;
  /** Headers that are passed on, names and values in turn, as they came. */
  readonly list: readonly string[];
  readonly grpcStatus: string | undefined;
  readonly end: AnswerEnd;
  /** The connection can be used again; for how many seconds, where the instance has said so. */
  readonly keeps: boolean;
  readonly keepsSeconds: number | undefined;
}

const LINE = /HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/y;
const FIELD = /([\w!#$%&'*+.^`|~-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)\r\n/y;
const LENGTH = /^\d{1,15}$/;
const KEPT_FOR = /(?:^|[,\s])timeout=(\d{1,6})/i;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const FIRST_FINAL = 200;

interface Fields {
  list: string[];
  length: string | undefined;
  encoding: string | undefined;
  connection: string;
  keepAlive: string;
  grpcStatus: string | undefined;
}

/**
 * Reads the head of an answer, of which each character stands for a byte, with the empty line behind it. Undefined in any doubt
 * about what it says or where its body ends: what is read wrongly would be taken for the answer to another request.
 */
export function readAnswerHead(text: string, method: string): AnswerHead | undefined {
  LINE.lastIndex = 0;
  const [, minor, code, phrase = ''] = LINE.exec(text) ?? [];
  if (minor === undefined || code === undefined) return undefined;
  const fields = readFields(text, LINE.lastIndex);
  const status = Number(code);
  const end = fields === undefined ? undefined : endOf(fields, status, method);
  if (fields === undefined || end === undefined) return undefined;
  const connection = fields.connection.toLowerCase();
  const keeps = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive');
  const seconds = KEPT_FOR.exec(fields.keepAlive)?.[1];
  return {
    status,
    phrase,
    list: fields.list,
    grpcStatus: fields.grpcStatus,
    end,
    keeps: keeps && end.by !== 'close',
    keepsSeconds: seconds === undefined ? undefined : Number(seconds),
  };
}

function readFields(text: string, from: number): Fields | undefined {
  const fields: Fields = {
    list: [],
    length: undefined,
    encoding: undefined,
    connection: '',
    keepAlive: '',
    grpcStatus: undefined,
  };
  let at = from;
  for (;;) {
    FIELD.lastIndex = at;
    const [, name, raw] = FIELD.exec(text) ?? [];
    if (name === undefined || raw === undefined) break;
    at = FIELD.lastIndex;
    const lower = name.toLowerCase();
    const value = raw.trim();
    if (!note(fields, lower, value)) return undefined;
    if (!isOfConnection(lower)) fields.list.push(name, value);
  }
  return text.startsWith('\r\n', at) && at + 2 === text.length ? fields : undefined;
}

/** False for what must not be said twice. */
function note(fields: Fields, name: string, value: string): boolean {
  switch (name) {
    case 'content-length':
      if (fields.length !== undefined) return false;
      fields.length = value;
      return true;
    case 'transfer-encoding':
      if (fields.encoding !== undefined) return false;
      fields.encoding = value;
      return true;
    case 'connection':
      fields.connection = value;
      return true;
    case 'keep-alive':
      fields.keepAlive = value;
      return true;
    case 'grpc-status':
      fields.grpcStatus = value;
      return true;
    default:
      return true;
  }
}

function endOf({ length, encoding }: Fields, status: number, method: string): AnswerEnd | undefined {
  if (encoding !== undefined && (length !== undefined || encoding.toLowerCase() !== 'chunked')) return undefined;
  if (length !== undefined && !LENGTH.test(length)) return undefined;
  const isBodiless = method === 'HEAD' || status < FIRST_FINAL || status === NO_CONTENT || status === NOT_MODIFIED;
  if (isBodiless) return { by: 'length', bytes: 0 };
  if (encoding !== undefined) return { by: 'chunks' };
  return length === undefined ? { by: 'close' } : { by: 'length', bytes: Number(length) };
}
