/** Format sensitivity: how far routing moves when only the format of a text changes. */
export { formatSensitivity } from './format-sensitivity';
export { FormatSensitivity } from './format-result';
export type {
  Estimate,
  FormatDocument,
  FormatEffect,
  FormatExpert,
  FormatLayer,
  FormatVerdict
} from './format-document';
export type { FormatOptions } from './options';
export { FORMAT_KINDS, type FormatKind } from './text-changes';
