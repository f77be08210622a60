import manifest from '../package.json' with { type: 'json' };

/** Version of this data plane, as it tells the control plane. */
export const VERSION: string = manifest.version;
