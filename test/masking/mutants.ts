/**
 * Maskers of streams that are wrong in one way each: designs in use elsewhere, and our own with one thought left out.
 * A test that passes any of them is not worth its time.
 */

import type { Finding } from '../../src/call.ts';
import type { Compiled } from '../../src/detect/compiled.ts';
import { type Program, programOf } from '../../src/detect/search.ts';
import { type ScanSink, StreamScanner } from '../../src/detect/stream-scanner.ts';
import type { TextMasker, TextStream } from '../../src/mask/text-masker.ts';
import type { Subject } from './judge.ts';

interface Parts {
  readonly masker: TextMasker;
  readonly program: Program;
}

/** Returns a stream that decides at each push how much of its buffer to mask as a text of its own. */
const flushing =
  ({ masker }: Parts, cutOf: (buffer: string) => number): Subject =>
  (found) => {
    let buffer = '';
    let passed = 0;
    const flush = (upTo: number): string => {
      const start = passed;
      const out = masker.whole(buffer.slice(0, upTo), (f) =>
        found({ ...f, start: f.start + start, end: f.end + start }),
      );
      buffer = buffer.slice(upTo);
      passed += upTo;
      return out;
    };
    return {
      push(text) {
        buffer += text;
        return flush(Math.max(0, cutOf(buffer)));
      },
      end: () => flush(buffer.length),
      get held() {
        return buffer.length;
      },
    };
  };

/** Masks the last units again together with each piece, and sends what is behind the part that went out already. */
const overlapping =
  ({ masker }: Parts, width: number): Subject =>
  (found) => {
    let seen = '';
    let out = '';
    return {
      push(text) {
        const before = masker.whole(seen, () => {});
        seen = (seen + text).slice(-width - text.length);
        const after = masker.whole(seen, found);
        const fresh = after.startsWith(before) ? after.slice(before.length) : after.slice(-text.length);
        out += fresh;
        return fresh;
      },
      end: () => '',
      held: 0,
    };
  };

/** Runs our scanner with the detectors changed. */
const withDetectors = ({ program }: Parts, change: (compiled: Compiled) => Partial<Compiled>): Subject => {
  const changed = programOf(program.detectors.map((one) => ({ ...one, ...change(one) })));
  return (found) => scanning(changed, found);
};

const scanning = (program: Program, found: (finding: Finding) => void): TextStream => {
  let out = '';
  const sink: ScanSink = {
    plain: (text) => void (out += text),
    begin: (detector) => void (out += `<${detector.kind.replace(/\..*/, '').toUpperCase()}>`),
    piece: () => {},
    end: found,
  };
  const scanner = new StreamScanner(program, sink);
  const take = (): string => {
    const taken = out;
    out = '';
    return taken;
  };
  return {
    push(text) {
      scanner.push(text);
      return take();
    },
    end() {
      scanner.end();
      return take();
    },
    get held() {
      return scanner.held;
    },
  };
};

/** Starts anew, with what is held, whenever `when` says so. */
const restarting =
  (
    { masker }: Parts,
    when: (stream: TextStream, pushesWithoutText: number) => 'keep' | 'release' | 'forget',
  ): Subject =>
  (found) => {
    let passed = 0;
    let offset = 0;
    let recent = '';
    let quiet = 0;
    const begin = (): TextStream => {
      const base = offset;
      return masker.stream((f) => found({ ...f, start: f.start + base, end: f.end + base }));
    };
    let stream = begin();
    return {
      push(text) {
        recent = (recent + text).slice(-400);
        passed += text.length;
        let out = stream.push(text);
        quiet = out === '' ? quiet + 1 : 0;
        const held = recent.slice(recent.length - stream.held);
        const what = when(stream, quiet);
        if (what === 'keep') return out;
        if (what === 'release') out += stream.end();
        offset = what === 'release' ? passed : passed - held.length;
        stream = begin();
        return what === 'forget' ? out + stream.push(held) : out;
      },
      end: () => stream.end(),
      get held() {
        return stream.held;
      },
    };
  };

const touchesEnd = (compiled: Compiled, text: string, at: number): boolean => {
  const end = compiled.matchEnd(text, at);
  return end >= 0 && at + compiled.length(text, at, end) === text.length;
};

/** The mutants by what is wrong with them. */
export const mutantsOf = (parts: Parts): Readonly<Record<string, Subject>> => ({
  'holds nothing: masks each piece alone': flushing(parts, (buffer) => buffer.length),
  'holds a tail of 16 units': flushing(parts, (buffer) => buffer.length - 16),
  'holds a tail of 320 units, cut anywhere': flushing(parts, (buffer) => buffer.length - 320),
  'flushes at the end of a sentence': flushing(parts, (buffer) =>
    Math.max(...['. ', '\n', '! '].map((end) => buffer.lastIndexOf(end) + end.length)),
  ),
  'flushes at the last space': flushing(parts, (buffer) => buffer.lastIndexOf(' ') + 1),
  'looks again at an overlap of 64 units': overlapping(parts, 64),
  'releases what is held when nothing has gone out for 20 pieces': restarting(parts, (_, quiet) =>
    quiet >= 20 ? 'release' : 'keep',
  ),
  'forgets what stands to the left': restarting(parts, () => 'forget'),
  'never waits': withDetectors(parts, () => ({ viable: () => false })),
  'waits within 24 units only': withDetectors(parts, ({ reach }) => ({ reach: Math.min(reach, 24) })),
  'waits one unit less than it must': withDetectors(parts, ({ reach }) => ({ reach: reach - 2 })),
  'takes a match that touches the end at once': withDetectors(parts, (compiled) => ({
    viable: (text, at) => compiled.viable(text, at) && !touchesEnd(compiled, text, at),
  })),
  'forgets the validator at the end of a piece': withDetectors(parts, (compiled) => ({
    viable: (text, at) => compiled.viable(text, at) && compiled.detector.accept === undefined,
  })),
  'waits for the first detector of a place only': withDetectors(parts, (compiled) => ({
    viable: (text, at) =>
      compiled.viable(text, at) && compiled === parts.program.detectors.find((one) => one.viable(text, at)),
    length: (text, at, end) => {
      const first = parts.program.detectors.find((one) => one.viable(text, at));
      return first !== undefined && first.detector !== compiled.detector ? 0 : compiled.length(text, at, end);
    },
  })),
  'ends an entity without a bound with its piece': withDetectors(parts, ({ follow }) => ({
    follow: (text, from) => follow(text, from, true),
  })),
  'misses a terminator that is cut in two': withDetectors(parts, ({ detector, follow }) => ({
    follow(text, from, final) {
      const progress = follow(text, from, final);
      const until = detector.swallow !== undefined && 'until' in detector.swallow;
      return until && !progress.done ? { at: text.length, done: false } : progress;
    },
  })),
  'drops what is held at the end': (found) => {
    const stream = parts.masker.stream(found);
    return {
      push: (text) => stream.push(text),
      end: () => '',
      held: 0,
    };
  },
});
