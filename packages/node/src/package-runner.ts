const RUNNERS = /[\\/](?:npm-cli|npx-cli|yarn|yarnpkg|pnpm|corepack)\.c?js$/;

/** `rampart run -- npm start` reaches npm first: it only starts the service and must not use up the service's identity. */
export function isPackageRunner(script: string | undefined): boolean {
  return script !== undefined && (RUNNERS.test(script) || /[\\/]\.bin[\\/](?:npm|npx|yarn|pnpm)$/.test(script));
}
