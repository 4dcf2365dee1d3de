/** Watches a caller who leaves unread what was written: that takes memory and a connection to the model. */

/** The watch over one reader. */
export class ReaderWatch {
  readonly #wait: number;
  readonly #stalled: () => void;
  #timer: NodeJS.Timeout | null = null;

  /** Calls `stalled` when nothing was noted for so many milliseconds after something was. */
  constructor(wait: number, stalled: () => void) {
    this.#wait = wait;
    this.#stalled = stalled;
  }

  /** Whether the reader was slow before. */
  get isSet(): boolean {
    return this.#timer !== null;
  }

  /** Notes that something waits to be read, or was read: the time begins anew. */
  note(): void {
    this.#timer = this.#timer === null ? setTimeout(this.#stalled, this.#wait).unref() : this.#timer.refresh();
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
