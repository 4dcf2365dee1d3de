import { describe, expect, test } from 'vitest';
import { historyEntry, readHistory, splitHistory } from './history.ts';
import { Malformed } from './malformed.ts';

const NOTES = [
  'a.example\n1\nAA==\n\n— a.example BB==\n',
  'a.example\n22\nCC==\n\n— a.example DD==\n— b.example EE==\n',
];
const bytes = new TextEncoder().encode(NOTES.map(historyEntry).join(''));
const text = (note: Uint8Array): string => new TextDecoder().decode(note);

async function* inPieces(all: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < all.length; at += length) yield all.subarray(at, at + length);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(50_000).fill(0x61);
}

describe('a history', () => {
  test.each([1, 2, 3, 7, 50, 1000])('reads in pieces of %i bytes', async (length) => {
    const notes = await Array.fromAsync(readHistory(inPieces(bytes, length)));
    expect(notes.map(text)).toEqual(NOTES);
  });

  test('that is cut off yields what is whole, then says so', async () => {
    const first = new TextEncoder().encode(historyEntry(NOTES[0]!)).length;
    for (let end = 1; end < bytes.length; end++) {
      const notes: string[] = [];
      const read = async (): Promise<void> => {
        for await (const note of readHistory(inPieces(bytes.subarray(0, end), 8))) notes.push(text(note));
      };
      if (end === first) await read();
      else await expect(read(), `at ${end}`).rejects.toThrow('cut off');
      expect(notes, `at ${end}`).toEqual(NOTES.slice(0, end < first ? 0 : 1));
      expect(splitHistory(bytes.subarray(0, end)).end).toBe(end < first ? 0 : first);
    }
  });

  test('is not read into memory without end', async () => {
    await expect(Array.fromAsync(readHistory(endless()))).rejects.toThrow(Malformed);
  });
});
