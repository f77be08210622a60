/** Why a subject cannot take part. */
export interface Absent {
  readonly absent: string;
}
