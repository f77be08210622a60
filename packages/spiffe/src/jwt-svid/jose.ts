// The part of the library that is used, and so the part that is bundled.
export { compactVerify, importJWK } from 'jose';
