import { stringify } from 'yaml';

/**
 * Data as one YAML document that ends with a newline. What YAML 1.1 would read as something else, such as `on`, `yes` or
 * `1_000`, is quoted: kubectl does, and what is exported has to mean the same there.
 */
export function renderYaml(data: unknown): string {
  return stringify(data, { lineWidth: 0, compat: 'yaml-1.1' });
}
