export type Shape = { readonly kind: 'circle' } | { readonly kind: 'square' };
