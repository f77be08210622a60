import { Visitor } from 'rolldown/utils';
import type { SourceFile } from '../source.ts';

/** One place where a file asks for another module, in whatever form. */
export interface ModuleImport {
  readonly specifier: string;
  readonly line: number;
}

/**
 * Every module a file asks for: static, type-only and dynamic imports, re-exports, `import('x').T` types,
 * `import x = require()`, `require()`, `import.meta.resolve()` and `declare module 'x'`.
 */
export function moduleImports(source: SourceFile): ModuleImport[] {
  const found: ModuleImport[] = [];
  const add = (node: { readonly type: string; readonly start: number } | null | undefined): void => {
    if (node?.type !== 'Literal' || !('value' in node) || typeof node.value !== 'string') return;
    found.push({ specifier: node.value, line: source.lineAt(node.start) });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
    TSExternalModuleReference: (node) => add(node.expression),
    TSModuleDeclaration: (node) => add(node.id),
    CallExpression(node) {
      const { callee } = node;
      const isRequire = callee.type === 'Identifier' && callee.name === 'require';
      const isResolve =
        callee.type === 'MemberExpression' &&
        callee.object.type === 'MetaProperty' &&
        callee.property.type === 'Identifier' &&
        callee.property.name === 'resolve';
      if (isRequire || isResolve) add(node.arguments[0]);
    },
  }).visit(source.program);
  return found;
}

/** "@scope/name/sub" → "@scope/name", "name/sub" → "name". */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}
