export { createOfflineRoot, openOfflineRoot } from './offline-root.ts';
export type { NewOfflineRoot, OfflineRoot } from './offline-root.ts';
export { signWithOfflineRoot } from './sign.ts';
export type { SignedIntermediate, SigningOrder } from './sign.ts';
