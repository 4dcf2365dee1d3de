/** What tokens cost: whole billionths of the currency, so that sums are exact. */

import type { PriceConfig } from '../config.ts';

/** Billionths of the currency for one token. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** Billionths in one unit of the currency. */
export const UNIT = 1e9;
const PER_MILLION = 1e6;

const pattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .split('*')
      .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('.*')}$`,
    's',
  );

/** Names of models come from callers, so only so many are remembered. */
const REMEMBERED = 1_000;

/** Returns what finds the price of a model, null where none is known: the first that fits counts. */
export function compilePrices(prices: readonly PriceConfig[]): (model: string) => Price | null {
  const patterns = prices.map(({ model, input, output }) => ({
    fits: pattern(model),
    price: { input: (input * UNIT) / PER_MILLION, output: (output * UNIT) / PER_MILLION },
  }));
  const known = new Map<string, Price | null>();
  return (model) => {
    const found = known.get(model);
    if (found !== undefined) return found;
    const price = patterns.find(({ fits }) => fits.test(model))?.price ?? null;
    if (known.size >= REMEMBERED) known.clear();
    known.set(model, price);
    return price;
  };
}

/** Returns what so many tokens cost, rounded up. */
export const costOf = (price: Price, input: number, output: number): number =>
  Math.ceil(input * price.input + output * price.output);
