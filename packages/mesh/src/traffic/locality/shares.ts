/** With fewer instances available than this part of a locality, some of its requests go elsewhere (Envoy's overprovisioning). */
const OVERPROVISIONING = 1.4;

/** Share of all requests of each priority, the first first, as Envoy spills over: a priority keeps what its health can carry. */
export function sharesByPriority(healths: readonly number[]): number[] {
  const able = healths.map((health) => Math.min(1, health * OVERPROVISIONING));
  const total = able.reduce((sum, each) => sum + each, 0);
  if (total === 0) return healths.map(() => 0);
  const scale = total < 1 ? 1 / total : 1;
  let left = 1;
  return able.map((each) => {
    const share = Math.min(left, each * scale);
    left = Math.max(0, left - share);
    return share;
  });
}

/** Share of all requests of each locality, by the weights that a rule gives them and by how many of their instances are available. */
export function sharesByWeight(weights: readonly number[], healths: readonly number[]): number[] {
  const able = weights.map((weight, index) => weight * Math.min(1, (healths[index] ?? 0) * OVERPROVISIONING));
  const total = able.reduce((sum, each) => sum + each, 0);
  if (total > 0) return able.map((each) => each / total);
  // What the rule names is out: a request that any instance can take is not lost.
  const rest = healths.map((health) => Math.min(1, health));
  const sum = rest.reduce((one, other) => one + other, 0);
  return sum === 0 ? rest : rest.map((each) => each / sum);
}
