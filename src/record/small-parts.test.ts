import { assert, array, maxSafeNat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opening } from '../../test/record/house.ts';
import { keepFields } from './fields.ts';
import { FrameHashes } from './frame-hashes.ts';
import { BufferShelf, GATHER_BYTES, Gathering } from './gathering.ts';
import { memoText, readMemo } from './memo.ts';
import { detailsText, readDetails, readSummary, summaryText } from './opening.ts';
import { placesText, readPlaces } from './places.ts';
import { distance, fileOf, offsetOf, positionOf, Watermarks } from './watermarks.ts';

describe('places', () => {
  it('read back in any order', () => {
    assert(
      property(array(maxSafeNat(), { minLength: 1 }), (places) => {
        expect(readPlaces(placesText(places))).toEqual(places);
      }),
    );
  });

  it('refuse what is none', () => {
    for (const text of ['', 'a  b', '-5', '!']) expect(() => readPlaces(text)).toThrow('base 36');
  });
});

describe('positions', () => {
  it('name a file and an offset in it, and grow with both', () => {
    const position = positionOf(7, 67_108_864);
    expect([fileOf(position), offsetOf(position)]).toEqual([7, 67_108_864]);
    expect(positionOf(8, 0)).toBeGreaterThan(position);
  });

  it('are some bytes apart', () => {
    expect(distance(positionOf(1, 10), positionOf(1, 15), 100)).toBe(5);
    expect(distance(positionOf(1, 90), positionOf(3, 5), 100)).toBe(115);
    expect(distance(positionOf(1, 15), positionOf(1, 10), 100)).toBe(0);
  });
});

describe('watermarks', () => {
  it('are seen by both ends', () => {
    const one = new Watermarks();
    const two = new Watermarks(one.memory);
    one.written = positionOf(3, 5);
    two.durable = positionOf(3, 4);
    two.sealed = positionOf(2, 9);
    expect([two.written, one.durable, one.sealed]).toEqual([positionOf(3, 5), positionOf(3, 4), positionOf(2, 9)]);
    two.fail();
    expect(one.failed).toBe(true);
  });

  it('hand each wish to be woken to one taker', () => {
    const marks = new Watermarks();
    expect([marks.takeAwaiting(), marks.takeAsleep()]).toEqual([false, false]);
    marks.awaitDurable();
    marks.fallAsleep();
    expect([marks.takeAwaiting(), marks.takeAwaiting(), marks.takeAsleep(), marks.takeAsleep()]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});

describe('a memo', () => {
  it('reads back what was remembered, and refuses anything else', () => {
    const progress = { sealed: 5, low: 3, leaf: 2, closed: false };
    const memo = { v: 1, inst: 'a', iseq: 9, open: { a: { '0': progress } } } as const;
    expect(readMemo(memoText(memo))).toEqual(memo);
    for (const other of [
      { ...memo, v: 2 },
      { ...memo, more: 1 },
      { ...memo, open: { a: { x: progress } } },
    ]) {
      expect(() => readMemo(JSON.stringify(other))).toThrow();
    }
  });
});

describe('field lines', () => {
  it('keep names, order and values, without the values of credentials, however they are spelled', () => {
    const raw = ['Accept', 'a', 'X-API-Key', 'secret', 'accept', 'b', 'X-Mine', 'secret', 'SET-COOKIE', 'secret'];
    expect(keepFields(raw, new Set(['x-mine']))).toEqual([
      'Accept',
      'a',
      'X-API-Key',
      null,
      'accept',
      'b',
      'X-Mine',
      null,
      'SET-COOKIE',
      null,
    ]);
  });
});

describe('an opening', () => {
  it('keeps counts and names of what was asked, cut where a payload could make them long, and no text', () => {
    const { facts } = opening();
    const tools = Array.from({ length: 1_000 }, (_, index) => ({ name: `tool ${index}`, type: 'function' }));
    const texts = Array.from({ length: 1_000 }, () => ({ path: [], text: 'a secret thought', role: 'user' }));
    const text = summaryText(opening({ model: 'm'.repeat(10_000), facts: { ...facts, tools, texts } }));
    expect(text).not.toContain('secret thought');
    expect(text.length).toBeLessThan(4_000);
    expect(readSummary(text).facts).toMatchObject({ toolCount: 1_000, texts: 1_000, roles: 'u'.repeat(256) });
    expect(readSummary(text).facts.tools).toHaveLength(64);
  });

  it('of nobody has no caller', () => {
    expect(readSummary(summaryText(opening({ caller: null }))).caller).toBeNull();
    expect(readDetails(detailsText(opening({ caller: null }), new Set())).caller).toBeNull();
  });

  it('of another version is refused', () => {
    expect(() => readSummary('{"v":2}')).toThrow('version 1');
    expect(() => readDetails('{}')).toThrow('expected the details');
  });
});

describe('gathered events', () => {
  const gathering = (): Gathering => new Gathering(Buffer.alloc(16));

  it('take bytes up to the bound of a frame, and the rest after they were taken', () => {
    const events = gathering();
    const bytes = Buffer.alloc(100_000, 'x');
    const first = events.addBytes(0, 'd', bytes, 0);
    expect(first).toBeLessThan(bytes.length);
    expect(events.addBytes(0, 'd', bytes, first)).toBe(first);
    expect(events.take().length).toBeLessThanOrEqual(GATHER_BYTES);
    expect(events.addBytes(0, 'd', bytes, first)).toBe(bytes.length);
  });

  it('take a text beside others only when it fits, a long one alone, and none that no frame can hold', () => {
    const events = gathering();
    expect(events.addText(0, 'm', 'x'.repeat(60_000))).toBe(true);
    expect(events.addText(0, 'm', 'y'.repeat(60_000))).toBe(false);
    events.take();
    expect(events.addText(0, 'm', 'y'.repeat(200_000))).toBe(true);
    events.take();
    expect(() => events.addText(0, 'm', 'y'.repeat(300_000))).toThrow(RangeError);
  });

  it('gather in buffers that are used again, unless they have grown', () => {
    const shelf = new BufferShelf();
    const buffer = shelf.take();
    shelf.put(Buffer.alloc(9_999));
    shelf.put(buffer);
    expect(shelf.take()).toBe(buffer);
    expect(shelf.take()).not.toBe(buffer);
  });
});

describe('hashes of frames', () => {
  it('commit to their order, number and lengths', () => {
    const of = (hashes: readonly string[], bytes = 1): FrameHashes => {
      const all = new FrameHashes();
      for (const hash of hashes) all.add(hash, bytes);
      return all;
    };
    const hex = (index: number): string => index.toString(16).padStart(64, '0');
    for (const count of [1, 64, 65, 200]) {
      const hashes = Array.from({ length: count }, (_, index) => hex(index));
      const committed = of(hashes).commit();
      expect(of(hashes).isCommittedBy(committed)).toBe(true);
      expect(of(hashes, 2).isCommittedBy(committed)).toBe(false);
      expect(of(hashes.slice(1)).isCommittedBy(committed)).toBe(false);
      expect(of([...hashes.slice(1), hex(0)]).isCommittedBy(committed)).toBe(count === 1);
    }
  });
});
