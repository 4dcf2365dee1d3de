import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ADVERSARIAL } from '../test/masking/texts.ts';
import { compileScanner, ENTITIES, SLICE } from './detect/scanner.ts';
import { codecs } from './protocol/codecs.ts';
import { inspecting } from './inspect/inspect.ts';
import { atOnce, inspectionLimit, inTurns } from './turns.ts';

const scanner = compileScanner(ENTITIES.map(({ name }) => name));

const inspection = (content: string) => ({
  codec: codecs.openai,
  operation: { name: 'chat', body: 'json' } as const,
  body: {
    bytes: Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] })),
    contentType: 'application/json',
    rawHeaders: [],
  },
  assumeMaxTokens: null,
  opaque: false,
});

/** Numbers behind words that say what they are: about the most that a text can make the scan do. */
const SLOW = 'tel passport bank account 4111 1111 ';

describe('long inspections', () => {
  it('find in slices what they find in one go', () => {
    const padding = 'x y '.repeat(SLICE / 4 - 2);
    for (const unit of [
      'bob@example.com ',
      '4111 1111 1111 1111, ',
      'ghp_16C7e42F292c6912E7710c838347Ae178B4a ',
      ...ADVERSARIAL,
    ]) {
      const text = `${padding}${unit.repeat(Math.ceil((SLICE + 300) / unit.length))}`;
      expect(atOnce(scanner.steps(text)), unit).toEqual(scanner.scan(text));
    }
  });

  it('let others have their turns', async () => {
    const work = inspecting(inspection(SLOW.repeat(2e6 / SLOW.length)), scanner);
    const others = new AbortController();
    let turns = 0;
    const taken = (async () => {
      for (; !others.signal.aborted; turns++) await setImmediate();
    })();
    const { facts } = await inTurns(work, inspectionLimit(3_600_000));
    others.abort();
    await taken;
    expect(facts.bodyBytes).toBeGreaterThan(1.9e6);
    expect(turns).toBeGreaterThan(2);
  });

  it('are refused when they take too long, also in one go', async () => {
    const work = () => inspecting(inspection(SLOW.repeat(2e6 / SLOW.length)), scanner);
    await expect(inTurns(work(), inspectionLimit(1))).rejects.toMatchObject({ reason: 'inspection-limit' });
    expect(() => atOnce(work(), inspectionLimit(1))).toThrow(expect.objectContaining({ reason: 'inspection-limit' }));
  });
});
