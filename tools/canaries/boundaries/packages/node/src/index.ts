export const node = ;
