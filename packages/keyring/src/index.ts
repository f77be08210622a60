export { FileKeyStore, type FileKeyStoreOptions } from './file-key-store.ts';
export { localKeyEncryptionKey, type KeyEncryptionKey } from './key-encryption-key.ts';
export { fromKeyFile } from './key-file.ts';
export type { KeyStore } from './key-store.ts';
export { MemoryKeyStore } from './memory-key-store.ts';
export { fromPassphrase, type PassphraseOptions } from './passphrase.ts';
export type { ScryptCost } from './scrypt-parameters.ts';
export { open, seal, type SealOptions } from './seal.ts';
export { signerOf, type Signer } from './signer.ts';
