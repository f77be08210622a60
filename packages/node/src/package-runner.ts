const RUNNER = /[\\/](?:npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack)(?:-cli)?(?:\.c?js)?$/;

/** `rampart run -- npm start` reaches npm first: it only starts the service and must not use up the service's identity. */
export function isPackageRunner(script: string | undefined): boolean {
  return script !== undefined && RUNNER.test(script);
}
