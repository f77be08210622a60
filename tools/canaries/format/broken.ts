export const  format = {a: "double" }
