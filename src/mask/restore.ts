/** Puts back into an answer what the request said in the place of which tokens went to the model. */

import { RestoredStream, type Tokens } from './tokens.ts';
import type { Finding } from '../call.ts';
import type { Steps } from '../turns.ts';
import type { TextMasker, TextStream } from './text-masker.ts';

/**
 * Behind the masker: what it hides stays hidden, and no value that is put back is looked at again. What the masker holds
 * and what waits here are the last units of the text, one behind the other.
 */
class RestoringStream implements TextStream {
  readonly #masked: TextStream;
  readonly #restored: RestoredStream;
  restored = false;

  constructor(masked: TextStream, tokens: Tokens) {
    this.#masked = masked;
    this.#restored = new RestoredStream(tokens);
  }

  get held(): number {
    return this.#masked.held + this.#restored.held;
  }

  push(text: string): string {
    return this.#through(this.#masked.push(text));
  }

  end(): string {
    return this.#through(this.#masked.end()) + this.#restored.end();
  }

  #through(text: string): string {
    const out = this.#restored.push(text);
    if (this.#restored.changed) this.restored = true;
    return out;
  }
}

function* restoringSteps(
  masker: TextMasker,
  tokens: Tokens,
  text: string,
  found: (finding: Finding) => void,
): Steps<string> {
  return tokens.restore(yield* masker.steps(text, found));
}

/** Returns a masker that puts the values of `tokens` back into what `masker` lets pass. */
export const restoring = (masker: TextMasker, tokens: Tokens): TextMasker => ({
  whole: (text, found) => tokens.restore(masker.whole(text, found)),
  steps: (text, found) => restoringSteps(masker, tokens, text, found),
  stream: (found) => new RestoringStream(masker.stream(found), tokens),
  ...(masker.at === undefined ? {} : { at: (place) => restoring(masker.at?.(place) ?? masker, tokens) }),
  session: (use) => restoring(masker.session(use), tokens),
});
