/** What tokens weigh in the different sums. */

import type { Summed } from './compile.ts';
import { costOf, type Price } from './prices.ts';

/** Returns what so many tokens, read and written, add to a sum of tokens or of cost. */
export function estimateOf(bound: Summed, price: Price | null, input: number, output: number): number {
  if (bound === 'tokens') return input + output;
  if (bound === 'answer_tokens') return output;
  if (bound === 'spend' && price !== null) return costOf(price, input, output);
  return 0;
}

/** Returns about how many tokens a text of so many UTF-8 bytes is: a quarter, as facts estimate input. */
export const tokensOf = (bytes: number): number => Math.ceil(bytes / 4);
