import fc from 'fast-check';
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { describe, expect, it } from 'vitest';
import { isInternationalNumber } from './phone.ts';

describe('isInternationalNumber', () => {
  it('says what the parser of libphonenumber says', () => {
    let valid = 0;
    const code = fc.constantFrom(
      '1',
      '44',
      '49',
      '33',
      '7',
      '39',
      '81',
      '86',
      '91',
      '55',
      '61',
      '800',
      '870',
      '999',
      '20',
      '353',
      '590',
    );
    fc.assert(
      // The parser also strips trunk prefixes and carrier codes, so numbers begin as nobody's prefix does.
      fc.property(code, fc.stringMatching(/^[2-9][0-9]{3,12}$/), (calling, national) => {
        const parsed = parsePhoneNumberFromString(`+${calling}${national}`);
        fc.pre(parsed === undefined || parsed.nationalNumber === national);
        const ours = isInternationalNumber(calling + national);
        if (ours) valid += 1;
        // Where a plan has types, the parser asks for one of them too; ours is never the stricter.
        if (parsed?.isValid() === true) expect(ours).toBe(true);
        // Canada has seven-digit numbers that the parser, asked about +1 as a whole, does not know.
        if (ours && calling !== '1') expect(parsed?.isPossible()).toBe(true);
      }),
      { numRuns: 4000, seed: 1 },
    );
    expect(valid).toBeGreaterThan(400);
  });

  it('knows no number behind a calling code that nobody has', () => {
    expect(isInternationalNumber('999123456789')).toBe(false);
    expect(isInternationalNumber('')).toBe(false);
  });
});
