/** A request as the authenticate step sees it, read lazily from whatever message the data plane has. */
export interface Carrier {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Full authority, port included. */
  readonly host: string;
  /** Every value of a header by lower-case name, as received, in order. */
  values(name: string): readonly string[];
}

/** What becomes of a request's headers before anybody else sees them; names are in lower case. Drops come first. */
export interface HeaderChanges {
  readonly drop: readonly string[];
  readonly set: readonly (readonly [name: string, value: string])[];
}

/** Fetch standard, "CORS-preflight request": browsers send it without credentials. */
export function isPreflight(carrier: Carrier): boolean {
  return (
    carrier.method === 'OPTIONS' && hasText(carrier, 'origin') && hasText(carrier, 'access-control-request-method')
  );
}

function hasText(carrier: Carrier, header: string): boolean {
  return (carrier.values(header)[0] ?? '') !== '';
}
