import { describe, expect, it } from 'vitest';
import { contextsAt, indexContexts, isMet } from './context.ts';
import { type Context, LEFT } from './detector.ts';

const birth: Context = { words: ['date of birth', 'né le', 'Geburtsdatum', '出生'], required: true };
const index = indexContexts([birth]);
const isSaid = (left: string): boolean => isMet(birth, contextsAt(index, left, left.length));

describe('the words ahead of a position', () => {
  it('are found however they are written', () => {
    const all = ['Date of birth: ', 'dateOfBirth="', 'DATE_OF_BIRTH=', 'date-of-birth ', 'Née? né le ', 'ne\u0301 le '];
    for (const left of [...all, 'GEBURTSDATUM: ', '出生日期：', 'geburtsdatum', 'dateofbirth '])
      expect(isSaid(left), left).toBe(true);
  });

  it('count as whole words in a row only', () => {
    for (const left of ['update of births ', 'date birth of ', 'ne leur ', '出 x 生', '', '1']) {
      expect(isSaid(left), left).toBe(false);
    }
  });

  it('are looked for as far as the left context goes, and no farther', () => {
    expect(isSaid(`Geburtsdatum${'.'.repeat(LEFT - 12)}`)).toBe(true);
    expect(isSaid(`Geburtsdatum${'.'.repeat(LEFT - 11)}`)).toBe(false);
  });

  it('do not count ahead of another number and its topic, unless it is a year', () => {
    for (const left of ['date of birth 1234567, order ', 'Geburtsdatum 4711, Konto '])
      expect(isSaid(left), left).toBe(false);
    for (const left of ['date of birth (1987), verified ', 'Geburtsdatum 123 oder ', 'date of birth 1234567 and '])
      expect(isSaid(left), left).toBe(true);
  });

  it('must be words', () => {
    expect(() => indexContexts([{ words: ['123'], required: true }])).toThrow('a phrase without a word');
  });
});
