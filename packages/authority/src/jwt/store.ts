/** A key that signs JWT-SVIDs, as it is kept; the private part is in the key store. All times are Unix milliseconds. */
export interface JwtKeyRecord {
  /** RFC 7638 thumbprint of the public key; unique. */
  readonly keyId: string;
  /** Name of the private key in the key store. */
  readonly keyName: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  /** From here on it is in the trust bundle. */
  readonly createdAt: number;
  /** From here on it signs. */
  readonly activeFrom: number;
  /** No token that it signs is valid for longer. */
  readonly notAfter: number;
  /** Set once it has left the trust bundle. */
  readonly retiredAt?: number;
}

/**
 * Where the keys of JWT-SVIDs are remembered. A method that changes something resolves when the change survives the loss of
 * power; a failing engine throws `RampartError` STORAGE_FAILED, and the change is then not made.
 */
export interface JwtKeyStore {
  /** An already known key is an error (STORAGE_FAILED). */
  addJwtKey(key: JwtKeyRecord): Promise<void>;
  /** All that ever were, in the order of adding: their number says how often the bundle changed. */
  jwtKeys(): Promise<readonly JwtKeyRecord[]>;
  /** True when this call retired it; the first retirement stays. */
  retireJwtKey(keyId: string, at: number): Promise<boolean>;
}
