export { renderRefusalLine } from './render/refusal-line.ts';
export { renderRequestLine, type LineStyle } from './render/request-line.ts';
