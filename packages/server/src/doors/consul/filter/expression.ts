/** Names that lead into an item: `Service.Meta["version"]`. */
export type Selector = readonly string[];

export type Comparison = 'equal' | 'empty' | 'contains';

/** A filter as it was understood (go-bexpr, the language of Consul's `filter` parameter). */
export type Expression =
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly of: Expression }
  | {
      readonly kind: 'compare';
      readonly comparison: Comparison;
      readonly selector: Selector;
      /** "" for `empty`. */
      readonly value: string;
    }
  /** Whether an element of a list, or a key of a map, is such. */
  | {
      readonly kind: 'any' | 'all';
      readonly selector: Selector;
      readonly name: string;
      readonly body: Expression;
    };
