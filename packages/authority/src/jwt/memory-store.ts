import { RampartError } from '@rampart/core';
import type { JwtKeyRecord, JwtKeyStore } from './store.ts';

/** A store of JWT keys that keeps everything in memory: nothing in it outlives the process. */
export function createMemoryJwtKeyStore(): JwtKeyStore {
  const keys = new Map<string, JwtKeyRecord>();
  return {
    addJwtKey: async (key) => {
      if (keys.has(key.keyId)) throw new RampartError('STORAGE_FAILED', `JWT key ${key.keyId} is already stored`);
      keys.set(key.keyId, key);
    },
    jwtKeys: async () => [...keys.values()],
    retireJwtKey: async (keyId, at) => {
      const key = keys.get(keyId);
      if (key === undefined || key.retiredAt !== undefined) return false;
      keys.set(keyId, { ...key, retiredAt: at });
      return true;
    },
  };
}
