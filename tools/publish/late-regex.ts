import type { Plugin } from 'rolldown';

/** The npm package that is always bundled, whatever stays outside, and in a file of its own. */
export const REGEX_ENGINE = 're2js';
const CHUNK = 're2js.js';
const STAND_IN_ID = `\0${REGEX_ENGINE}`;

/** Synchronous, because documents are read that way: Node requires ECMAScript modules since 22.12. */
const STAND_IN = `
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
export const RE2JS = { compile: (...given) => require('./${CHUNK}').RE2JS.compile(...given) };
`;

/**
 * Has the engine of regular expressions loaded when the first of them is compiled: it takes nearly a megabyte of memory,
 * and most processes are told of no expression in all their life.
 */
export function lateRegex(): Plugin {
  return {
    name: 'late-regex',
    async resolveId(id, importer) {
      if (id !== REGEX_ENGINE) return undefined;
      const engine = await this.resolve(id, importer, { skipSelf: true });
      if (engine === null) throw new Error(`${id} is not installed`);
      this.emitFile({ type: 'chunk', id: engine.id, fileName: CHUNK });
      return STAND_IN_ID;
    },
    load: (id) => (id === STAND_IN_ID ? STAND_IN : undefined),
  };
}
