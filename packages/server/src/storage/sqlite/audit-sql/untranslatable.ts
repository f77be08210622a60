/** What a question asks for has no counterpart in the embedded store; the message says what to ask instead. */
export class Untranslatable extends Error {}
