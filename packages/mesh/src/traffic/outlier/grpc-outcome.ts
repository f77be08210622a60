/** What statuses of gRPC stand for among those of HTTP, as far as they are errors of the server (Envoy's mapping). */
const AS_HTTP: ReadonlyMap<string, number> = new Map([
  ['2', 500],
  ['4', 504],
  ['12', 501],
  ['13', 500],
  ['14', 503],
  ['15', 500],
]);

/** The status that counts: of gRPC, where the answer's head has one that is an error of the server. */
export function effectiveStatus(status: number, grpcStatus: string | undefined): number {
  return grpcStatus === undefined ? status : (AS_HTTP.get(grpcStatus) ?? status);
}
