/** What a record says, by its type. Names are lower-case and dotted, without the dot of the root. */
export type RecordData =
  | { readonly type: 'A'; readonly address: string }
  | { readonly type: 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME' | 'NS' | 'PTR'; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  /** Each text at most 255 bytes. */
  | { readonly type: 'TXT'; readonly texts: readonly string[] }
  | { readonly type: 'SOA'; readonly soa: StartOfAuthority };

export interface StartOfAuthority {
  readonly nameServer: string;
  readonly mailbox: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** Seconds that "there is no such name" may be kept (RFC 2308). */
  readonly negativeTtl: number;
}

export interface DnsRecord {
  /** Whose record it is; undefined for the name that was asked for, in the case it was asked in. */
  readonly owner: string | undefined;
  /** Seconds. */
  readonly ttl: number;
  readonly data: RecordData;
}
