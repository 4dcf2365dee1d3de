/** The strings that a tool is given. */

import type { ToolCall } from '../call.ts';

/** Arguments are no deeper than any JSON that is read here. */
const collect = (value: unknown, texts: string[]): void => {
  if (typeof value === 'string') texts.push(value);
  else if (Array.isArray(value)) {
    for (const item of value) collect(item, texts);
    // the words of one command may stand in a list
    if (value.length > 1 && value.every((item) => typeof item === 'string')) texts.push(value.join(' '));
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (/\W/.test(name)) texts.push(name);
      collect(inner, texts);
    }
  }
};

/** Returns every string of the arguments, and lists of words as the one text that they are to a shell. */
export const callTexts = ({ arguments: given }: ToolCall): readonly string[] => {
  const texts: string[] = [];
  collect(given, texts);
  return texts;
};
