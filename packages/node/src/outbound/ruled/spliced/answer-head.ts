import { editedLines } from './header-edit.ts';
import type { HeaderEdit } from './header-edit.ts';
import { HeaderNames } from './header-names.ts';

/** Where an answer's body ends (RFC 9112 §6.3). */
export type AnswerEnd = { readonly by: 'length'; readonly bytes: number } | { readonly by: 'chunks' | 'close' };

type AnswerFacts = Omit<AnswerHead, 'passed'>;

/** What an instance said before the body of its answer, and what was made of that lately. */
export class AnswerHead {
  readonly status: number;
  /** As it came, with the empty line behind it. */
  readonly text: string;
  readonly grpcStatus: string | undefined;
  readonly end: AnswerEnd;
  /** The connection can be used again; for how many seconds, where the instance has said so. */
  readonly keeps: boolean;
  readonly keepsSeconds: number | undefined;
  #edit: HeaderEdit | undefined;
  #passed = '';

  constructor({ status, text, grpcStatus, end, keeps, keepsSeconds }: AnswerFacts) {
    this.status = status;
    this.text = text;
    this.grpcStatus = grpcStatus;
    this.end = end;
    this.keeps = keeps;
    this.keepsSeconds = keepsSeconds;
  }

  /** The head as it is passed on. */
  passed(edit: HeaderEdit): string {
    if (edit === this.#edit) return this.#passed;
    const { text, end } = this;
    const from = text.indexOf('\r\n') + 2;
    const line = isOld(text) ? `HTTP/1.1${text.slice(MINOR_AT + 1, from)}` : text.slice(0, from);
    this.#passed = `${line}${editedLines(text, from, edit)}${end.by === 'close' ? 'connection: close\r\n' : ''}\r\n`;
    this.#edit = edit;
    return this.#passed;
  }
}

const HEAD =
  /^HTTP\/1\.[01] [1-9]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n$/;
const LENGTH = /^\d{1,15}$/;
const KEPT_FOR = /(?:^|[,\s])timeout=(\d{1,6})/i;
const MINOR_AT = 7;
const STATUS_AT = 9;
const STATUS_END = 12;
const ZERO = 0x30;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const FIRST_FINAL = 200;

interface Fields {
  length: string | undefined;
  encoding: string | undefined;
  connection: string;
  keepAlive: string;
  grpcStatus: string | undefined;
}

/** What an answer's end, its connection or its rules go by. */
const TELLING = new HeaderNames(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'grpc-status']);

/**
 * Reads the head of an answer, of which each character stands for a byte, with the empty line behind it. Undefined in any doubt
 * about what it says or where its body ends: what is read wrongly would be taken for the answer to another request.
 */
export function readAnswerHead(text: string, method: string): AnswerHead | undefined {
  if (!HEAD.test(text)) return undefined;
  const fields = readFields(text);
  const status = Number(text.slice(STATUS_AT, STATUS_END));
  const end = fields === undefined ? undefined : endOf(fields, status, method);
  if (fields === undefined || end === undefined) return undefined;
  const { connection, keepAlive, grpcStatus } = fields;
  const keeps = isOld(text) ? connection.includes('keep-alive') : !connection.includes('close');
  const seconds = keepAlive === '' ? undefined : KEPT_FOR.exec(keepAlive)?.[1];
  return new AnswerHead({
    status,
    text,
    grpcStatus,
    end,
    keeps: keeps && end.by !== 'close',
    keepsSeconds: seconds === undefined ? undefined : Number(seconds),
  });
}

/** Its headers, names and values in turn. */
export function headerList({ text }: AnswerHead): string[] {
  const list: string[] = [];
  for (const line of text.trimEnd().split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    list.push(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return list;
}

/** HTTP/1.0 */
function isOld(text: string): boolean {
  return text.charCodeAt(MINOR_AT) === ZERO;
}

function readFields(text: string): Fields | undefined {
  const fields: Fields = {
    length: undefined,
    encoding: undefined,
    connection: '',
    keepAlive: '',
    grpcStatus: undefined,
  };
  for (let at = text.indexOf('\r\n') + 2; at < text.length - 2;) {
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r\n', colon);
    const name = TELLING.at(text, at, colon);
    if (name !== undefined && !note(fields, name, text.slice(colon + 1, end).trim())) return undefined;
    at = end + 2;
  }
  return fields;
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
      fields.connection = value.toLowerCase();
      return true;
    case 'keep-alive':
      fields.keepAlive = value;
      return true;
    default:
      fields.grpcStatus = value;
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
