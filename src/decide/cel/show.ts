/** Writes values for people. */

import { showDuration, showTimestamp } from './time.ts';
import { Duration, DYN, Timestamp, type Type, TypeValue } from './type.ts';

const MAX_TEXT = 80;
const MAX_ITEMS = 8;

const listed = <T>(values: readonly T[], show: (value: T) => string): string => {
  const rest = values.length - MAX_ITEMS;
  return `${values.slice(0, MAX_ITEMS).map(show).join(', ')}${rest > 0 ? `, … ${rest} more` : ''}`;
};

const showText = (text: string): string =>
  text.length > MAX_TEXT ? `${JSON.stringify(text.slice(0, MAX_TEXT))}… (${text.length})` : JSON.stringify(text);

const showMap = (map: ReadonlyMap<unknown, unknown>): string =>
  `{${listed([...map], ([key, item]) => `${showValue(key)}: ${showValue(item)}`)}}`;

/** Returns a value of the policy language as it would be written, long ones cut. `type` is for structs to show their fields. */
export const showValue = (value: unknown, type: Type = DYN): string => {
  if (type.kind === 'struct') {
    const fields = [...type.fields].map(([name, { type: of, get }]) => `${name}: ${showValue(get(value), of)}`);
    return `{${fields.join(', ')}}`;
  }
  if (typeof value === 'string') return showText(value);
  if (Array.isArray(value)) {
    const of = type.kind === 'list' ? type.item : DYN;
    return `[${listed(value, (item) => showValue(item, of))}]`;
  }
  if (value instanceof Map) return showMap(value);
  if (value instanceof Timestamp) return showTimestamp(value);
  if (value instanceof Duration) return showDuration(value);
  return value instanceof TypeValue ? value.name : String(value);
};
