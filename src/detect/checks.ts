/** The arithmetic by which numbers tell that they are one. Each takes digits, or letters and digits, without punctuation. */

/** Returns the sum of the digits, each by its weight. */
export const weighted = (digits: string, weights: readonly number[]): number =>
  weights.reduce((sum, weight, at) => sum + weight * (digits.charCodeAt(at) - 0x30), 0);

/** Returns whether the digits pass the check of ISO/IEC 7812-1 annex B. */
export const passesLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 0x30;
    const doubled = digit * 2;
    sum += at % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};

/** Returns whether the first `count` of these digits pass the same check. */
export const passesLuhnIn = (digits: Uint8Array, count: number): boolean => {
  let sum = 0;
  for (let at = count - 1, isDoubled = false; at >= 0; at--, isDoubled = !isDoubled) {
    const digit = digits[at] ?? 0;
    sum += isDoubled ? digit * 2 - (digit > 4 ? 9 : 0) : digit;
  }
  return sum % 10 === 0;
};

/** Returns the remainder by 97 of letters and digits, `a` as 10 and so on (ISO 7064 MOD 97-10). */
export const mod97 = (text: string): number => {
  let remainder = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Digits, capitals, small letters.
    const value = unit < 0x40 ? unit - 0x30 : (unit & 0x1f) + 9;
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
};

/** Returns whether the digits pass ISO 7064 MOD 11,10. */
export const passesMod11And10 = (digits: string): boolean => {
  let product = 10;
  for (let at = 0; at < digits.length - 1; at++) {
    const sum = (product + digits.charCodeAt(at) - 0x30) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits.at(-1));
};

// J. Verhoeff, Error Detecting Decimal Codes (1969): the group D5 and its permutation.
const PERMUTED = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
  [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
  [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
  [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
  [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
  [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
  [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

const inDihedral = (a: number, b: number): number => {
  if (a < 5) return b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5);
  return b < 5 ? 5 + ((((a - b) % 5) + 5) % 5) : (((a - b) % 5) + 5) % 5;
};

/** Returns whether the digits pass Verhoeff's check. */
export const passesVerhoeff = (digits: string): boolean => {
  let check = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 0x30;
    check = inDihedral(check, PERMUTED[at % 8]?.[digit] ?? 0);
  }
  return check === 0;
};

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Returns whether there is such a day in some year. */
export const isDay = (month: number, day: number): boolean => day >= 1 && day <= (DAYS[month - 1] ?? 0);
