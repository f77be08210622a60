export { type CreatedBackup, createBackup, type NewBackup } from './create.ts';
export type { BackedUpFile, Manifest } from './manifest.ts';
export type { BackupReading } from './read.ts';
export { type Restoration, restoreBackup, type Restored } from './restore.ts';
export { verifyBackup } from './verify.ts';
