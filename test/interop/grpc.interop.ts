import { join } from 'node:path';
import { expect, it } from 'vitest';
import { told } from '../kit/told.ts';

const { notRun, cases } = await told(join(import.meta.dirname, 'grpc/run.ts'));

console.warn(`not run: ${notRun.join('; ')}`);
it.each(notRun)('not run: %s', (why) => expect(why).not.toBe(''));

// without Go there is nothing to run, and one line for each program says so
if (cases.length > 0) it('tells of every case, three ways', () => expect(cases.length).toBe(17 * 3));

it.each(cases)('promise 9: $line', ({ good }) => expect(good).toBe(true));
