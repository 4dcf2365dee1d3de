import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { compileTextMasker } from '../mask/text-masker.ts';
import { catalogWith, type OwnDetector } from './own.ts';
import { Recent } from './recent.ts';

describe('what is remembered', () => {
  it('is made once for as many keys as are asked for in turn', () => {
    const made: number[] = [];
    const recent = new Recent<number, string>(8);
    const of = (key: number): string =>
      recent.of(key, () => {
        made.push(key);
        return String(key);
      });
    for (let round = 0; round < 3; round++) for (let key = 0; key < 8; key++) expect(of(key)).toBe(String(key));
    expect(made).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('never grows past twice its bound, and what is asked for again and again stays', () => {
    let made = 0;
    const recent = new Recent<number, number>(8);
    for (let key = 1; key < 1000; key++) {
      recent.of(key, () => key);
      recent.of(0, () => made++);
      expect(recent.size).toBeLessThanOrEqual(16);
    }
    expect(made).toBe(1);
  });
});

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');
const heap = (): number => {
  if (typeof collect !== 'function') throw new Error('expected a garbage collector');
  collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
};

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Config `number`: sets of units that no other config has, beyond ASCII too. */
const reload = (number: number): void => {
  const some = (from: number): string =>
    Array.from(LETTERS)
      .filter((_, at) => ((number + from) >> (at % 10)) & 1 || at === from % 62)
      .join('');
  // A set beyond ASCII takes 64 KB: a thousand of them would be found.
  const beyond = `é-${String.fromCharCode(0x2000 + number)}`;
  const own: OwnDetector = {
    name: `own_${number}`,
    pattern: `ID-[${some(3)}]{2}[${some(7)}${beyond}]{3}[${some(11)}]`,
    ignore_case: false,
    except: [],
    score: 0.8,
    priority: 'first',
  };
  const masker = compileTextMasker([{ entities: [own.name], with: 'replace' }], new Uint8Array(32), catalogWith([own]));
  masker.whole('ID-abc', () => {});
};

describe('a thousand reloads, each with detectors that no other has', () => {
  it('leave no more behind than the last of them', { timeout: 600_000 }, () => {
    for (let number = 0; number < 200; number++) reload(number);
    const before = heap();
    for (let number = 200; number < 1200; number++) reload(number);
    expect(heap() - before).toBeLessThan(12_000_000);
  });
});
