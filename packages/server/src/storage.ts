export { type Database, openDatabase } from './storage/database.ts';
export { translate as translateAuditSql } from './storage/sqlite/audit-sql/translate.ts';
export { sqliteEngine } from './storage/sqlite/engine.ts';
export { createAuthorityStore } from './storage/stores/authority-store.ts';
export { createJournalStore } from './storage/stores/journal-store.ts';
export { createJwtKeyStore } from './storage/stores/jwt-key-store.ts';
