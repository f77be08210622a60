export const one = 16;
