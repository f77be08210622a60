/** The values of one header field (its name in lower case) in the order in which they came; empty when there is none. */
export type Fields = (name: string) => readonly string[];

/** The fields of a message of the Fetch standard, which has joined those of one name already. */
export function fieldsOf(header: Headers): Fields {
  return (name) => {
    const value = header.get(name);
    return value === null ? [] : [value];
  };
}

/** A request as both ends know it. */
export interface HttpRequest {
  readonly method: string;
  /** Target URI (RFC 9110 §7.1), absolute: "https://registry:8443/path?query". */
  readonly url: string;
  readonly fields: Fields;
}

/** A response, with the request that it answers. */
export interface HttpResponse {
  readonly status: number;
  readonly fields: Fields;
  readonly request?: HttpRequest;
}

export type HttpMessage = HttpRequest | HttpResponse;

export function isResponse(message: HttpMessage): message is HttpResponse {
  return 'status' in message;
}
