/**
 * The path rules of the front door. A path has one reading or none: what routing, policy and the model server see
 * is the same string, so anything that some parser on the way might read differently is refused.
 */

// RFC 3986 §3.3 pchar, `/` and percent-escapes; nothing that a later hop would have to repair.
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
// RFC 3986 §3.4, with the brackets and braces that clients send unescaped; no space, quote, `#`, `\` or control.
const QUERY = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?[\]{}|^`]|%[0-9A-Fa-f]{2})*$/;
// A segment whose decoded form holds a NUL, a backslash or another control character.
const ESCAPED_CONTROL = /%(?:[01][0-9A-Fa-f]|7[Ff]|5[Cc])/;
const ESCAPED_SLASH = /%2[Ff]/;
// RFC 3986 §2.3: letters, digits, `-`, `.` and `_` mean the same when they are escaped, so no client escapes them; a rule
// that reads the path would not see what the model server sees.
const ESCAPED_PLAIN = /%(?:2[DdEe]|3\d|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff])/;
// What stands behind `;` in a segment is no part of its name to some servers (RFC 3986 §3.3, path parameters).
const NO_NAME = /\/(?:\.{0,2})(?:;|%3[Bb])/;

/** A request target in origin form, split at the first `?`. */
export interface Target {
  readonly path: string;
  readonly query: string;
}

/**
 * Returns the path and query of a request target in origin form (RFC 9112 §3.2.1), or null when it is anything else:
 * absolute form, a fragment, a backslash, a control character, an empty or dot segment, plain or escaped.
 * Percent-escapes inside a segment are data and stay as they came (`org%2Fmodel`).
 */
export function readTarget(target: string): Target | null {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  if (!PATH.test(path) || !QUERY.test(query)) return null;
  if (path.includes('//') || hasDotSegment(path) || hasNoName(path)) return null;
  if (path.includes('%') && !hasPlainEscapes(path)) return null;
  return { path, query };
}

function hasDotSegment(path: string): boolean {
  // most paths hold no segment that begins with a dot
  return path.includes('/.') && path.split('/').some((segment) => segment === '.' || segment === '..');
}

/** A segment that is empty, `.` or `..` once its parameters are gone: `/..;/`. */
const hasNoName = (path: string): boolean => (path.includes(';') || path.includes('%3')) && NO_NAME.test(path);

function hasPlainEscapes(path: string): boolean {
  if (ESCAPED_CONTROL.test(path) || ESCAPED_PLAIN.test(path) || !isText(path)) return false;
  if (!ESCAPED_SLASH.test(path)) return true;
  // what a hop that decodes before it splits would see
  const decoded = path.replaceAll(/%2[Ff]/g, '/');
  return !decoded.includes('//') && !hasDotSegment(decoded) && !hasNoName(decoded);
}

/** Escapes of bytes that are no UTF-8 have been read as dots and slashes (overlong forms, RFC 3629 §10). */
function isText(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
