import { describe, expect, it } from 'vitest';
import { EvidenceGate } from './evidence-gate.ts';

/** A gate over a disk that is told when each thing is there, and what has passed. */
function gateOver() {
  const disk: ((ok: boolean) => void)[] = [];
  const passed: string[] = [];
  const gate = new EvidenceGate({ durable: (then) => void disk.push(then) }, (ok) => passed.push(ok ? 'on' : 'failed'));
  return {
    gate,
    passed,
    pass: (word: string) => gate.pass(() => passed.push(word)),
    synced: (ok = true) => disk.shift()?.(ok),
  };
}

describe('EvidenceGate', () => {
  it('lets pass at once what comes behind nothing', () => {
    const { pass, passed } = gateOver();
    pass('a');
    expect(passed).toEqual(['a']);
  });

  it('holds each step for what came before it, and for nothing behind it', () => {
    const { gate, pass, passed, synced } = gateOver();
    gate.ask();
    pass('a');
    gate.ask();
    pass('b');
    synced();
    expect(passed).toEqual(['a', 'on']);
    synced();
    expect(passed).toEqual(['a', 'on', 'b', 'on']);
    expect(gate.isOpen).toBe(true);
  });

  it('keeps the order of steps that steps add', () => {
    const { gate, pass, passed, synced } = gateOver();
    gate.ask();
    gate.pass(() => pass('last'));
    pass('first');
    synced();
    expect(passed).toEqual(['first', 'last', 'on']);
  });

  it('holds nobody for a little, however long the caller keeps talking', () => {
    const { gate, pass, passed, synced } = gateOver();
    gate.ask();
    for (let word = 0; word < 100; word++) {
      pass(`${word}`);
      // the caller is always one ahead of the disk
      gate.ask();
      synced();
    }
    expect(passed.filter((word) => word !== 'on')).toEqual(Array.from({ length: 100 }, (_, word) => `${word}`));
    expect([gate.isOpen, gate.isCrowded]).toEqual([false, false]);
    gate.pass(() => {}, 300_000);
    expect(gate.isCrowded).toBe(true);
    synced();
    expect(gate.isCrowded).toBe(false);
  });

  it('lets nothing pass any more once the evidence has failed, and says so once', () => {
    const { gate, pass, passed, synced } = gateOver();
    gate.ask();
    gate.ask();
    pass('a');
    synced(false);
    synced(false);
    pass('b');
    expect(passed).toEqual(['failed']);
  });
});
