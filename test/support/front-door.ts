/** Bytes at the front door of a real gateway: what came back, and how many requests arrived behind it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { speak } from './raw-http.ts';
import { startWorld, usualConfig, type World } from './world.ts';

/** What became of some bytes. */
export interface Outcome {
  /** In one line, for example `400 bad-request, closed; upstream 0`. */
  readonly becomes: string;
  /** What arrived at the model server: method, target and body. */
  readonly arrived: readonly string[];
}

/** A gateway with one service at the root path and tight times. */
export interface FrontDoor {
  readonly world: World;
  /** A field line with a good token. */
  readonly auth: string;
  try(bytes: Buffer): Promise<Outcome>;
  close(): Promise<void>;
}

const LIMITS = '{ head_timeout: 700ms, body_timeout: 700ms, headers: 16KiB }';

/** Opens the front door; its model server answers everything with `ok`. */
export async function openFrontDoor(): Promise<FrontDoor> {
  const world = await startWorld((places) =>
    usualConfig(places, `limits: ${LIMITS}`).replace(
      '{ address: 127.0.0.1:0 }]',
      '{ address: 127.0.0.1:0, service: opaque }]',
    ),
  );
  const ok = Buffer.from('ok');
  world.model.always(() => ({ status: 200, headers: ['Content-Length', '2'], steps: [{ send: ok }] }));
  const token = await world.idp.token('carol');
  return {
    world,
    auth: `x-api-key: ${token}`,
    async try(bytes) {
      const before = world.model.requests.length;
      const isHead = bytes.subarray(0, 5).toString() === 'HEAD ';
      const { answers, closed } = await speak(world.url, bytes, { isHead });
      // what was cut off here may still be on its way there
      if (closed) await sleep(10);
      const words = answers.map(({ status, body }) => (status === 0 ? 'other bytes' : `${status}${reasonOf(body)}`));
      const said = words.length === 0 ? 'nothing' : words.join(' + ');
      const arrived = world.model.requests.slice(before);
      return {
        becomes: `${said}, ${closed ? 'closed' : 'open'}; upstream ${arrived.length}`,
        arrived: arrived.map(({ method, target, body }) => `${method} ${target} ${body.toString('latin1')}`),
      };
    },
    close: () => world.close(),
  };
}

function reasonOf(body: string): string {
  const reason = /"reason":"([a-z-]+)"/.exec(body)?.[1];
  return reason === undefined ? '' : ` ${reason}`;
}

/** Returns the bytes of a case with a good token in its first head, and `host` where it has none. */
export function withToken(bytes: Buffer, auth: string, host = ''): Buffer {
  const [head = ''] = bytes.toString('latin1').split('\r\n\r\n');
  // the preface of HTTP/2 has no room for fields
  if (head.endsWith('HTTP/2.0')) return bytes;
  return withFields(bytes, [...(host === '' || /^host:/im.test(head) ? [] : [`Host: ${host}`]), auth]);
}

/** Returns the bytes with more field lines at the end of the first head; as they are when they hold no end of one. */
function withFields(bytes: Buffer, lines: readonly string[]): Buffer {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end === -1 || lines.length === 0) return bytes;
  return Buffer.from(`${text.slice(0, end)}\r\n${lines.join('\r\n')}${text.slice(end)}`, 'latin1');
}
