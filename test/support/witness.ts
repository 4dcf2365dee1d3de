/** A witness over HTTP as C2SP tlog-witness describes it: cosigns what extends what it has cosigned, and nothing else. */

import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { openCheckpoint } from '../../src/ledger/checkpoint.ts';
import { cosignedText, parseWitness, witnessKeyId, witnessKeyText } from '../../src/ledger/cosignature.ts';
import type { Checkpoint } from '../../src/ledger/checkpoint.ts';
import type { NoteVerifier } from '../../src/ledger/note-key.ts';
import { verifyConsistency } from '../../src/ledger/proof.ts';
import type { WitnessAt } from '../../src/ledger/witness-client.ts';
import { listenOnLoopback, stopListening } from './loopback.ts';

/** A running witness. */
export interface RunningWitness extends WitnessAt {
  readonly key: string;
  /** What it has cosigned last. */
  readonly seen: () => Checkpoint | null;
  /** What its clock says, in seconds; it may be changed. */
  clock: () => number;
  /** What it answers in place of doing its work; it may be changed. */
  instead: { readonly status: number; readonly body: string } | null;
  close(): Promise<void>;
}

/** Resolves to a witness of the log that this key signs. */
export async function startWitness(log: NoteVerifier, name = 'witness.example'): Promise<RunningWitness> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const key = witnessKeyText(name, raw);
  const secret = createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  let last: Checkpoint | null = null;

  const cosign = (note: string): string => {
    const seconds = running.clock();
    const text = `${note.slice(0, note.lastIndexOf('\n\n'))}\n`;
    const head = Buffer.alloc(12);
    head.writeUInt32BE(witnessKeyId(name, raw), 0);
    head.writeBigUInt64BE(BigInt(seconds), 4);
    const signature = sign(null, Buffer.from(cosignedText(text, seconds)), secret);
    return `— ${name} ${Buffer.concat([head, signature]).toString('base64')}\n`;
  };

  const answer = (body: string): { status: number; body: string } => {
    const [head = '', ...rest] = body.split('\n\n');
    const note = rest.join('\n\n');
    const [first = '', ...lines] = head.split('\n');
    const old = Number(/^old (\d+)$/.exec(first)?.[1] ?? Number.NaN);
    if (Number.isNaN(old)) return { status: 400, body: '' };
    const checkpoint = openCheckpoint(Buffer.from(note), [log], log.name);
    const size = last?.size ?? 0;
    if (old > checkpoint.size) return { status: 400, body: '' };
    if (old !== size) return { status: 409, body: `${size}\n` };
    const proof = lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'base64'));
    const extends_ =
      last === null || old === 0
        ? proof.length === 0
        : verifyConsistency(old, checkpoint.size, proof, last.root, checkpoint.root);
    if (!extends_) return { status: 422, body: '' };
    last = checkpoint;
    return { status: 200, body: cosign(note) };
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = (await buffer(request)).toString();
    const { status, body: text } = running.instead ?? answer(body);
    response.writeHead(status).end(text);
  };
  const server = createServer((request, response) => void respond(request, response));
  const port = await listenOnLoopback(server);
  const running: RunningWitness = {
    key,
    url: `http://127.0.0.1:${port}`,
    witness: parseWitness(key),
    seen: () => last,
    clock: () => Math.floor(Date.now() / 1000),
    instead: null,
    close: () => stopListening(server),
  };
  return running;
}
