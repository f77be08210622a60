export type { Service, ServiceChange, ServiceListener } from './catalogue.ts';
export { createMemoryRegistryStore } from './memory-store.ts';
export type { DeregistrationRequest, RegistrationRequest } from './registration/registration.ts';
export { openRegistry } from './registry.ts';
export type { Registry, RegistryOptions } from './registry.ts';
export type { Instance, RegistryStore } from './store.ts';
