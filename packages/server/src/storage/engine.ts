import type { ColumnDataType, Dialect } from 'kysely';

/** What a database engine brings: everything else in storage is the same for all of them. */
export interface StorageEngine {
  readonly name: string;
  readonly dialect: Dialect;
  /** Column type of a byte string. */
  readonly bytesType: ColumnDataType;
}
