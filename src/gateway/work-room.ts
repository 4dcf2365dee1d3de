/**
 * Bounds the memory of long work on one thread. What is decoded, parsed, masked and written again takes some ten times its
 * size while that goes on, and the thread does no more by doing all of it at once: the others wait, in the order in which
 * they came, with nothing but their bytes.
 */

/** Room for long work. */
export interface WorkRoom {
  /**
   * Calls `begin` once there is room for so many bytes, at once if there is. Returns what leaves the room again, or the line
   * for it; only its first call counts.
   */
  enter(bytes: number, begin: () => void): () => void;
  /** Bytes in work. */
  readonly used: number;
}

interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

/** Returns room for work on `most` bytes at once; what is larger has it to itself. */
export function createWorkRoom(most: number): WorkRoom {
  const waiting = new Set<Waiting>();
  let used = 0;
  const take = ({ bytes, begin }: Waiting): void => {
    used += bytes;
    begin();
  };
  const fits = (bytes: number): boolean => used === 0 || used + bytes <= most;
  const goOn = (): void => {
    for (const next of waiting) {
      if (!fits(next.bytes)) return;
      waiting.delete(next);
      take(next);
    }
  };
  return {
    enter(bytes, begin) {
      const work = { bytes, begin };
      let over = false;
      if (waiting.size === 0 && fits(bytes)) take(work);
      else waiting.add(work);
      return () => {
        if (over) return;
        over = true;
        if (!waiting.delete(work)) used -= bytes;
        goOn();
      };
    },
    get used() {
      return used;
    },
  };
}
