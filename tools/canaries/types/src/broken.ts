export const wrong: number = 'text';

export function unchecked(list: readonly string[]): number {
  return list[0].length;
}

export const optional: { readonly name?: string } = { name: undefined };

export function indexed(record: Record<string, string>): string {
  return record.name ?? '';
}

export const inferred = unchecked(['a']) + 1;

enum Erased {
  no,
}

function forgotten(): void {}
