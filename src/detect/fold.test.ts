import { describe, expect, it } from 'vitest';
import { fold } from './fold.ts';

describe('fold', () => {
  it('writes what stands for the same digit, space, hyphen or sign in ASCII', () => {
    expect(fold('４１１１ １１１１')).toBe('4111 1111');
    expect(fold('٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹ ०१२३४५६७८९')).toBe('0123456789 0123456789 0123456789');
    expect(fold('a\u00a0b\u2009c\u202fd\u3000e')).toBe('a b c d e');
    expect(fold('1‐2‑3–4—5−6')).toBe('1-2-3-4-5-6');
    expect(fold('“x” ‘y’ ｂｏｂ＠ｅｘａｍｐｌｅ．ｃｏｍ')).toBe(`"x" 'y' bob@example.com`);
  });

  it('keeps every unit at its place, and the text itself when there is nothing to fold', () => {
    const plain = 'Größe 日本語 😀 \ud83d';
    expect(fold(plain)).toBe(plain);
    expect(fold(`${plain}１`)).toBe(`${plain}1`);
  });
});
