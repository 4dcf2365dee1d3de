/** Streams of a protocol that nobody knows but whoever configured it: which strings go on from event to event. */

import type { JsonStep } from '../call.ts';
import { Failure } from '../reasons.ts';
import type { Delta, EventReading, StreamReader } from './codec.ts';
import { NOTHING } from './framing/stream-shape.ts';
import { isPlainWord } from './strings.ts';
import { isObject, itemsOf } from './value.ts';

type IsFragment = (path: readonly JsonStep[]) => boolean;

/** Returns an event that has `text` at `path` and nothing else: what stands beside it in another event was masked there. */
const only = (path: readonly JsonStep[], text: string): unknown => {
  const [step, ...rest] = path;
  if (step === undefined) return text;
  const inner = only(rest, text);
  return typeof step === 'number' ? [...Array.from({ length: step }, () => null), inner] : { [step]: inner };
};

class FragmentReader implements StreamReader {
  /** By channel, the name of the event that grew it last, and where. */
  private readonly grown = new Map<string, { readonly event: string; readonly path: readonly JsonStep[] }>();
  private readonly isFragment: IsFragment;

  constructor(isFragment: IsFragment) {
    this.isFragment = isFragment;
  }

  read(event: string, value: unknown): EventReading {
    const deltas: Delta[] = [];
    const walk = (inner: unknown, path: readonly JsonStep[]): void => {
      if (typeof inner === 'string') {
        if (!this.isFragment(path)) return;
        if (path.some((step) => typeof step === 'string' && !isPlainWord(step)))
          throw new Failure('answer-unreadable', 'expected the names around a fragment to be words');
        const channel = JSON.stringify(path);
        this.grown.set(channel, { event, path });
        deltas.push({ channel, path, text: inner, kind: 'text' });
      } else if (isObject(inner)) for (const name in inner) walk(inner[name], [...path, name]);
      else for (const [at, item] of itemsOf(inner).entries()) walk(item, [...path, at]);
    };
    walk(value, []);
    return deltas.length === 0 ? NOTHING : { ...NOTHING, deltas };
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const found = this.grown.get(channel);
    if (found === undefined) throw new Failure('internal', 'expected a channel that was read before');
    return { event: found.event, value: only(found.path, text) };
  }
}

/** Returns a reader for a stream in which these strings go on where those of the event before ended. */
export const fragmentStream = (isFragment: IsFragment): StreamReader => new FragmentReader(isFragment);
