import { closest } from '../../../resource/spelling.ts';
import { qualifiedName } from '../../../resource/resource.ts';
import type { AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

export const unknownProvider: Lint = {
  code: 'RAMP4007',
  name: 'unknown-provider',
  severity: 'error',
  title: 'a CUSTOM policy names an authorizer that the MeshConfig does not have',
  find: (mesh) => {
    const declared = providerNames(mesh);
    return mesh.ofKind('AuthorizationPolicy').flatMap((resource) => {
      const name = resource.spec.provider?.name;
      if (name === undefined || declared.includes(name)) return [];
      const near = closest(name, declared);
      const advice = near === undefined ? 'add it to extensionProviders of the MeshConfig' : `did you mean ${near}?`;
      const message = `no authorizer is named ${JSON.stringify(name)}, so every matching request is denied; ${advice}`;
      return [{ resource, field: 'spec.provider.name', message }];
    });
  },
};

export const severalProviders: Lint = {
  code: 'RAMP4009',
  name: 'several-providers',
  severity: 'error',
  title: 'CUSTOM policies for the same workloads name different authorizers',
  find: (mesh) => {
    const asking = mesh.ofKind('AuthorizationPolicy').filter(({ spec }) => spec.provider !== undefined);
    return asking.flatMap((resource, index) => {
      const name = resource.spec.provider?.name;
      const other = asking
        .slice(0, index)
        .find((each) => each.spec.provider?.name !== name && mesh.shareWorkloads(each, resource));
      if (other === undefined) return [];
      const message = `AuthorizationPolicy ${qualifiedName(other)} asks ${other.spec.provider?.name ?? ''} about the same workloads, which may have one authorizer: every request that either matches is denied; let both name the same`;
      return [{ resource, field: 'spec.provider.name', message }];
    });
  },
};

export const unusedProvider: Lint = {
  code: 'RAMP4008',
  name: 'unused-provider',
  severity: 'info',
  title: 'no policy uses an authorizer of the MeshConfig',
  find: (mesh) => {
    const used = new Set(mesh.ofKind('AuthorizationPolicy').map(({ spec }) => spec.provider?.name));
    return mesh.ofKind('MeshConfig').flatMap((resource) =>
      resource.spec.extensionProviders.flatMap(({ name }, index) =>
        used.has(name)
          ? []
          : [
              {
                resource,
                field: `spec.extensionProviders[${index}]`,
                message: `no CUSTOM policy names ${name}: remove it`,
              },
            ],
      ),
    );
  },
};

function providerNames(mesh: AnalyzedMesh): readonly string[] {
  return mesh.ofKind('MeshConfig').flatMap(({ spec }) => spec.extensionProviders.map(({ name }) => name));
}
