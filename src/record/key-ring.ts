/**
 * The recording keys of a data folder. The gateway needs the one that new pages get, and until their calls are sealed
 * those before it; to read what is over, somebody needs an identity that unwraps them.
 *
 * Without recipients every key is wrapped under the key of the config, and the gateway reads all. With recipients, keys
 * are wrapped for these; the gateway keeps a copy of its own (`.live`) only while a call or a crash could need it.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeDurably } from '../ledger/durable.ts';
import {
  envelopeFile,
  envelopeText,
  type Identity,
  type KeyEnvelope,
  keyFolder,
  readEnvelope,
  type Recipient,
  rootParty,
  unwrapKey,
  wrapKey,
} from './key-envelope.ts';
import { forgetMade, type MadeKey, noteMade } from './made-keys.ts';
import { KeyServiceError } from './key-service-error.ts';
import { KeyChain, newChainStart } from './original-keys.ts';
import {
  DestroyedKey,
  MissingKey,
  type PageOpener,
  type RecordingKey,
  recordingKeyOf,
  TAG_BYTES,
} from './page-keys.ts';
import type { WritingKeys } from './writing-keys.ts';

/** Whom keys are wrapped for. */
export interface KeyPolicy {
  /** Of recording keys; none: the key of the config. */
  readonly recipients: readonly Recipient[];
  /** Of keys for originals; none: originals are not kept. */
  readonly originals: readonly Recipient[];
}

/** A key as `sallyport keys list` shows it. */
export interface ListedKey {
  readonly id: string;
  readonly kind: KeyEnvelope['kind'];
  readonly made: number;
  readonly to: readonly string[];
  /** True when it could be unwrapped here. */
  readonly readable: boolean;
  /** True while the gateway keeps a copy of its own. */
  readonly live: boolean;
  /** True when nobody can open it any more. */
  readonly destroyed: boolean;
}

const LIVE = '.live';

/** How many keys a key service is asked for at once. */
const TOGETHER = 8;

const liveFile = (id: string): string => `${id}${LIVE}`;

const filesIn = (folder: string): readonly string[] =>
  existsSync(keyFolder(folder)) ? readdirSync(keyFolder(folder)).toSorted() : [];

/** Returns the envelopes of a data folder, oldest first. Throws when one of them is none, or not in the file of its key. */
export const listEnvelopes = (folder: string): readonly KeyEnvelope[] =>
  filesIn(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const envelope = readEnvelope(readFileSync(join(keyFolder(folder), file), 'utf8'));
      // a second one of the same key could open what the first was destroyed for
      if (envelopeFile(envelope) !== file)
        throw new Error(`${file} in recording-keys is not named after the key in it`);
      return envelope;
    })
    .toSorted((a, b) => a.made - b.made);

const keyTag = (id: string): string => id.slice(0, 2 * TAG_BYTES);

/** Resolves to where the chain of keys for originals begins that has this id; rejects when no identity unwraps it. */
export async function originalsStart(folder: string, id: string, identities: readonly Identity[]): Promise<Uint8Array> {
  const envelope = listEnvelopes(folder).find((each) => each.kind === 'originals' && each.id === id);
  if (envelope === undefined) throw new Error(`there is no key ${id.slice(0, 16)} for originals`);
  if (envelope.wraps.length === 0) throw new Error(`the key ${id.slice(0, 16)} for originals was destroyed`);
  const start = await unwrapKey(envelope, identities);
  if (start === null) throw new Error(`the key ${id.slice(0, 16)} for originals is not for this identity`);
  return start;
}

/** Where a new chain of keys for originals begins, and that wrapped for who may know it. */
interface NewOriginals {
  readonly start: Uint8Array;
  readonly envelope: KeyEnvelope;
}

async function wrapOriginals({ originals }: KeyPolicy, now: number): Promise<NewOriginals | null> {
  if (originals.length === 0) return null;
  const start = newChainStart();
  return { start, envelope: await wrapKey({ kind: 'originals', key: start, made: now }, originals) };
}

/** Recording keys that are at hand. */
export class KeyRing implements PageOpener {
  readonly #folder: string;
  readonly #root: Recipient & Identity;
  readonly #keys = new Map<string, RecordingKey>();
  readonly #live = new Set<string>();
  /** Why keys could not be unwrapped that a key service was asked for, by their tags. */
  readonly #refused = new Map<string, string>();
  readonly #envelopes: KeyEnvelope[];
  #current: RecordingKey | null = null;
  #originals: { readonly id: string; readonly chain: KeyChain } | null = null;

  private constructor(folder: string, root: Uint8Array) {
    this.#folder = folder;
    this.#root = rootParty(root);
    this.#envelopes = [...listEnvelopes(folder)];
  }

  /**
   * Resolves to the keys of a data folder that the key of the config (32 bytes) or `identities` unwrap; these are asked for
   * the key with the tag `only` alone, where there is one. Rejects when an envelope holds another key than it says.
   */
  static async open(
    folder: string,
    root: Uint8Array,
    identities: readonly Identity[] = [],
    only?: string,
  ): Promise<KeyRing> {
    const ring = new KeyRing(folder, root);
    await ring.#load(({ id }) => (only === undefined || keyTag(id) === only ? identities : []));
    return ring;
  }

  find(tag: Buffer): RecordingKey {
    const name = tag.toString('hex');
    const key = this.#keys.get(name);
    if (key !== undefined) return key;
    const envelope = this.#envelopes.find(({ kind, id }) => kind === 'recording' && id.startsWith(name));
    if (envelope?.wraps.length === 0) throw new DestroyedKey(tag);
    throw new MissingKey(tag, this.#refused.get(name));
  }

  /** Returns the keys for the next journal of a worker; each call takes a link of the chain for originals. */
  writing(): WritingKeys {
    if (this.#current === null) throw new Error('there is no recording key to write with');
    if (this.#originals === null) return { page: this.#current, originals: null };
    const { id, chain } = this.#originals;
    const link = chain.taken;
    return { page: this.#current, originals: { id, link, seed: new Uint8Array(chain.take()) } };
  }

  /** Returns the envelope of a key; undefined when there is none. */
  envelope(id: string): KeyEnvelope | undefined {
    return this.#envelopes.find((each) => each.id === id);
  }

  /** Returns every envelope, oldest first. */
  get envelopes(): readonly KeyEnvelope[] {
    return this.#envelopes;
  }

  /** True for the last key of its kind: a gateway writes with it, or the next start may. */
  isNewest({ kind, id }: KeyEnvelope): boolean {
    return this.#envelopes.findLast((each) => each.kind === kind)?.id === id;
  }

  /** Resolves to whether what an envelope has for the key of the config opens; true where it has nothing for it. */
  async opensOwn(envelope: KeyEnvelope): Promise<boolean> {
    if (!envelope.wraps.some(({ to }) => to === this.#root.to)) return true;
    return unwrapKey(envelope, [this.#root]).then(
      () => true,
      () => false,
    );
  }

  /** Takes note of an envelope that took the place of the one of the same key; forgets the key if it is for others now. */
  replaced(envelope: KeyEnvelope): void {
    const at = this.#envelopes.findIndex(({ id }) => id === envelope.id);
    this.#envelopes[at] = envelope;
    const isOwn = envelope.wraps.some(({ to }) => to === this.#root.to) || this.#live.has(envelope.id);
    if (envelope.kind === 'recording' && !isOwn) this.#forget(envelope.id);
  }

  /** Returns every key there is. */
  list(): readonly ListedKey[] {
    return this.#envelopes.map(({ id, kind, made, wraps }) => ({
      id,
      kind,
      made,
      to: wraps.map(({ to }) => to),
      readable: kind === 'recording' && this.#keys.has(keyTag(id)),
      live: this.#live.has(id),
      destroyed: wraps.length === 0,
    }));
  }

  /**
   * Takes up the newest key that the key of the config unwraps, or makes one: with recipients always, so that a start
   * leaves nothing on the disk that opens what was before. Resolves to those that were made, durable in their envelopes.
   */
  async begin(policy: KeyPolicy, now: number): Promise<readonly MadeKey[]> {
    const known = this.#envelopes.findLast(({ kind, id }) => kind === 'recording' && this.#keys.has(keyTag(id)));
    if (policy.recipients.length > 0 || known === undefined) return this.rotate(policy, now);
    this.#current = this.#keys.get(keyTag(known.id)) ?? null;
    return this.#useOriginals(await wrapOriginals(policy, now));
  }

  /**
   * Makes the key that `writing` returns from here on; durable in its envelope when it resolves. Rejects with
   * KeyServiceError, and changes nothing, when a key service did not wrap it.
   */
  async rotate(policy: KeyPolicy, now: number): Promise<readonly MadeKey[]> {
    const { recipients } = policy;
    const key = recordingKeyOf(new Uint8Array(randomBytes(32)));
    const parties = recipients.length === 0 ? [this.#root] : recipients;
    // of two that are made in one moment, the second is the newer one
    const made = Math.max(now, (this.#envelopes.at(-1)?.made ?? 0) + 1);
    const [envelope, originals] = await Promise.all([
      wrapKey({ kind: 'recording', key: key.key, made }, parties),
      wrapOriginals(policy, now),
    ]);
    // first the copy for a crash: without it nothing may be written under the key
    if (recipients.length > 0) await this.#keepLive(key);
    const stored = await this.#store(envelope);
    this.#keys.set(keyTag(key.id), key);
    this.#current = key;
    return [stored, ...(await this.#useOriginals(originals))];
  }

  /** Forgets that a key is still to be told of: its leaf is durable. */
  told(made: MadeKey): Promise<void> {
    return forgetMade(this.#folder, made);
  }

  /** Ids of all keys of which the gateway keeps a copy. */
  get kept(): readonly string[] {
    return [...this.#live];
  }

  /** Ids of keys of which the gateway keeps a copy that it writes no more with. */
  get leaving(): readonly string[] {
    return [...this.#live].filter((id) => id !== this.#current?.id);
  }

  /** Destroys the gateway's copy of a key. */
  async drop(id: string): Promise<void> {
    await rm(join(keyFolder(this.#folder), liveFile(id)), { force: true });
    await syncFolder(keyFolder(this.#folder));
    this.#live.delete(id);
    this.#forget(id);
  }

  #forget(id: string): void {
    this.#keys.get(keyTag(id))?.key.fill(0);
    this.#keys.delete(keyTag(id));
  }

  async #useOriginals(originals: NewOriginals | null): Promise<readonly MadeKey[]> {
    if (originals === null) {
      this.#originals = null;
      return [];
    }
    const made = await this.#store(originals.envelope);
    this.#originals = { id: originals.envelope.id, chain: new KeyChain(originals.start) };
    return [made];
  }

  async #keepLive({ id, key }: RecordingKey): Promise<void> {
    const { wrapped } = await this.#root.wrap(key, { id, kind: 'recording' });
    await this.#write(liveFile(id), wrapped);
    this.#live.add(id);
  }

  async #store(envelope: KeyEnvelope): Promise<MadeKey> {
    const { text, ct } = envelopeText(envelope);
    const made: MadeKey = { kind: envelope.kind, key: envelope.id, ct, file: envelopeFile(envelope) };
    await noteMade(this.#folder, made);
    await this.#write(made.file, text);
    this.#envelopes.push(envelope);
    return made;
  }

  async #write(path: string, bytes: string): Promise<void> {
    const root = keyFolder(this.#folder);
    const aside = join(root, 'aside');
    await mkdir(aside, { recursive: true, mode: 0o700 });
    await writeDurably(root, aside, [{ path, bytes }]);
    await syncFolder(this.#folder);
  }

  async #load(identitiesFor: (envelope: KeyEnvelope) => readonly Identity[]): Promise<void> {
    for (const file of filesIn(this.#folder).filter((each) => each.endsWith(LIVE))) {
      const id = file.slice(0, -LIVE.length);
      const wrapped = readFileSync(join(keyFolder(this.#folder), file), 'utf8');
      const key = await unwrapKey({ v: 1, kind: 'recording', id, made: 0, wraps: [{ to: this.#root.to, wrapped }] }, [
        this.#root,
      ]);
      if (key === null) continue;
      this.#live.add(id);
      this.#keys.set(keyTag(id), { id, key });
    }
    const asked = this.#envelopes.filter(({ kind, id }) => kind === 'recording' && !this.#keys.has(keyTag(id)));
    for (let at = 0; at < asked.length; at += TOGETHER) {
      await Promise.all(
        asked.slice(at, at + TOGETHER).map((envelope) => this.#unwrap(envelope, identitiesFor(envelope))),
      );
    }
  }

  async #unwrap(envelope: KeyEnvelope, identities: readonly Identity[]): Promise<void> {
    const { id } = envelope;
    try {
      const key = await unwrapKey(envelope, [this.#root, ...identities]);
      if (key !== null) this.#keys.set(keyTag(id), { id, key });
    } catch (error) {
      // told when somebody wants to read what is under it: other keys may open
      if (!(error instanceof KeyServiceError)) throw error;
      this.#refused.set(keyTag(id), error.message);
    }
  }
}
