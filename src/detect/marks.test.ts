import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corpus } from '../../test/masking/corpus.ts';
import { drawFrom, sampleOf } from '../../test/masking/samples.ts';
import { ADVERSARIAL, ENTITY_SAMPLES, FORM_SAMPLES, texts } from '../../test/masking/texts.ts';
import { fold } from './fold.ts';
import { compileTriggers } from './marks.ts';
import { DETECTORS } from './entities.ts';
import { compileProgram, type Program, Search } from './search.ts';
import { ANYWHERE, type Trigger } from './trigger.ts';
import { range } from './unit-set.ts';

/** Returns the program with other triggers. */
const withTriggers = (program: Program, triggers: readonly Trigger[]): Program => ({
  ...program,
  tables: { ...program.tables, triggers: compileTriggers(triggers) },
});
const triggersOf = ({ tables }: Program): readonly Trigger[] =>
  tables.patterns.flatMap(({ outline }) => outline.triggers);
/** Looks at every place of a text. */
const everywhere = (program: Program): Program => withTriggers(program, [ANYWHERE]);

/** What is found, where the text is over and where more may come. */
const stepsOf = (searched: Program, text: string): string => {
  const folded = fold(text);
  const steps: string[] = [];
  for (const final of [true, false]) {
    const search = new Search(searched, folded, final);
    let step = search.next(0);
    for (; step.kind === 'entity'; step = search.next(step.end))
      steps.push(`${step.compiled.detector.kind} ${step.start}-${step.end} ${step.score}`);
    steps.push(step.kind === 'open' ? `open ${step.at}` : step.kind);
  }
  return steps.join();
};

const WIDE: Readonly<Record<string, string>> = { '1': '１', '4': '٤', ' ': '\u00a0', '-': '–', '@': '＠', a: 'ａ' };
const widened = (text: string): string => Array.from(text, (unit) => WIDE[unit] ?? unit).join('');

/** Every sample ahead of, behind and between others, cut at every place, and in other scripts. */
function* samples(): Generator<string> {
  const draw = drawFrom(11);
  const all = [...ENTITY_SAMPLES, ...FORM_SAMPLES];
  for (const sample of all) {
    for (let at = 0; at <= sample.length && at < 120; at += 1 + draw(3)) {
      const other = all[draw(all.length)] ?? '';
      yield sample.slice(0, at);
      yield sample.slice(at);
      yield `${'x '.repeat(draw(40))}${sample.slice(0, at)}${other}`;
    }
    yield widened(sample);
    yield `${'a '.repeat(2020)}${' '.repeat(draw(80))}${sample}`;
    yield `${'A7-'.repeat(1350)}${'b'.repeat(draw(80))} ${sample}`;
  }
}

function* everyText(): Generator<string> {
  yield* samples();
  for (const { text } of corpus(600, 3)) yield text;
  for (const unit of ADVERSARIAL) for (const length of [70, 5000]) yield unit.repeat(Math.ceil(length / unit.length));
  yield* fc.sample(texts, { numRuns: 1500, seed: 9 });
}

/** Returns the first text about which a program and the one that looks everywhere disagree. */
const difference = (program: Program, all: Program, among: Iterable<string>): string | null => {
  for (const text of among) if (stepsOf(program, text) !== stepsOf(all, text)) return text;
  return null;
};

/** Each detector alone, where no other marks its places, and texts of its own. */
const alone = DETECTORS.map((detector, at) => {
  const program = compileProgram([detector]);
  const draw = drawFrom(at + 1000);
  const own = Array.from({ length: 4 }, () => sampleOf(detector, draw) ?? '').flatMap((sample) => [
    sample,
    `${'. '.repeat(draw(40))}${sample} ${sample}`,
    widened(sample),
    ...Array.from({ length: 3 }, () => sample.slice(0, draw(sample.length))),
  ]);
  return { program, all: everywhere(program), own };
});

const farther = (trigger: Trigger, by: number): Trigger =>
  trigger.kind === 'run' ? trigger : { ...trigger, from: trigger.from + by, to: trigger.to + by };

type Mutant = (triggers: readonly Trigger[]) => readonly Trigger[];

const MUTANTS: Readonly<Record<string, Mutant>> = {
  'know no runs': (triggers) => triggers.filter(({ kind }) => kind !== 'run'),
  'are one place off': (triggers) => triggers.map((trigger) => farther(trigger, 1)),
  'are one place off to the left': (triggers) => triggers.map((trigger) => farther(trigger, -1)),
  'take the least distance for the only one': (triggers) =>
    triggers.map((trigger) => (trigger.kind === 'run' ? trigger : { ...trigger, to: trigger.from })),
  'take the greatest distance for the only one': (triggers) =>
    triggers.map((trigger) => (trigger.kind === 'run' ? trigger : { ...trigger, from: trigger.to })),
  'forget what stands to the left': (triggers) =>
    triggers.filter((trigger) => trigger.kind === 'run' || trigger.from >= 0),
  'leave out the last way through a pattern': (triggers) => triggers.slice(0, -1),
  'know small letters and digits only': (triggers) =>
    triggers.map((trigger) => (trigger.kind === 'run' ? trigger : { ...trigger, third: trigger.third & SMALL })),
};
const SMALL = range(0x30, 0x39) | range(0x61, 0x7a);

describe('the marks leave out no place at which anything is found or open', () => {
  it('with all detectors', { timeout: 3_600_000 }, () => {
    const program = compileProgram(DETECTORS);
    const all = new Set(everyText());
    expect(all.size).toBeGreaterThan(20_000);
    expect(difference(program, everywhere(program), all)).toBeNull();
  });

  it('with each alone', { timeout: 3_600_000 }, () => {
    for (const { program, all, own } of alone)
      expect(difference(program, all, own), program.detectors[0]?.detector.kind).toBeNull();
  });

  describe('and the texts are sharp enough to catch some that', () => {
    for (const [wrong, mutant] of Object.entries(MUTANTS)) {
      it(wrong, { timeout: 3_600_000 }, () => {
        const caught = alone.some(
          ({ program, all, own }) => difference(withTriggers(program, mutant(triggersOf(program))), all, own) !== null,
        );
        expect(caught).toBe(true);
      });
    }
  });
});
