export const island = 1;
