/**
 * The environment of a process of a scenario: nothing of this one's but where programs are, and where Node keeps what it
 * compiled, which has no part in what is tested and is half of a start.
 */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}
