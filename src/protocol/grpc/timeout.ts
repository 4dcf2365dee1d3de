/** `grpc-timeout` (PROTOCOL-HTTP2.md "Timeout"): at most eight digits and a unit. */

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1_000],
  ['m', 1],
  ['u', 1e-3],
  ['n', 1e-6],
]);

/** Returns the timeout in milliseconds, possibly a fraction; null for text that is none. */
export function readTimeout(text: string): number | null {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  const factor = UNITS_MS.get(unit ?? '');
  return digits === undefined || factor === undefined ? null : Number(digits) * factor;
}

/** Returns the text of a timeout, rounded up to what eight digits can say. Zero and less is `0m`. */
export function showTimeout(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole < 1e8) return `${whole}m`;
  const seconds = Math.ceil(whole / 1000);
  return seconds < 1e8 ? `${seconds}S` : `${Math.min(99_999_999, Math.ceil(seconds / 60))}M`;
}
