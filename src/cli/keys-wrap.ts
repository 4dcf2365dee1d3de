/** `sallyport keys wrap`: for recipients that join later, by whoever can open what was there before them. */

import { Command } from 'commander';
import type { LoadedConfig } from '../config/file.ts';
import { readRecordingKey } from '../config/secrets.ts';
import { envelopeText, type Identity, type KeyEnvelope, type Recipient, rootParty } from '../record/key-envelope.ts';
import { listEnvelopes } from '../record/key-ring.ts';
import { KeyServiceError } from '../record/key-service-error.ts';
import { keyPolicyOf } from '../record/recipients.ts';
import { rewrap } from '../record/rewrap.ts';
import { CliError, EXIT } from './exit.ts';
import { identitiesIn, identityOption, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { accountName, runErrand } from './sessions-errand.ts';
import { dataFolder, publishedOrigin } from './sessions-files.ts';

interface WrapOptions extends WithIdentity {
  readonly config: string;
}

const SHORT = 16;

/** What became of a key; `why` says for whom it is now, or what was in the way. */
interface Told {
  readonly result: 'wrapped' | 'left' | 'same';
  readonly why: string;
}

/** Wraps every key that the identities open for the recipients of today. */
async function wrap(io: Io, options: WrapOptions): Promise<void> {
  const loaded = loadConfigFor(io, options.config);
  const folder = dataFolder(loaded);
  const root = readRecordingKey(loaded.config.recording.key, loaded.baseDir, { env: io.env });
  const identities = [rootParty(root), ...identitiesIn(io, loaded, options)];
  const { recipients, originals } = keyPolicyOf(loaded.config.recording, publishedOrigin(folder));
  const wanted = { recording: recipients.length === 0 ? [rootParty(root)] : recipients, originals };
  const told: { readonly key: string; readonly result: string; readonly why: string }[] = [];
  const envelopes = listEnvelopes(folder);
  for (const [done, envelope] of envelopes.entries()) {
    io.progress(`wrapping keys: ${done} of ${envelopes.length}`);
    const { result, why } = await wrapOne(io, loaded, envelope, wanted[envelope.kind], identities);
    if (result !== 'same') told.push({ key: envelope.id, result, why });
  }
  io.list(
    [
      { key: 'key', title: 'KEY' },
      { key: 'result', title: 'RESULT' },
      { key: 'why', title: 'WHY' },
    ],
    told,
    ({ key, result, why }) => ({ key: key.slice(0, SHORT), result, why }),
    'every key is for the recipients of the config already',
  );
  if (told.some(({ result }) => result === 'left')) io.exit(EXIT.found);
}

async function wrapOne(
  io: Io,
  loaded: LoadedConfig,
  envelope: KeyEnvelope,
  recipients: readonly Recipient[],
  identities: readonly Identity[],
): Promise<Told> {
  try {
    const rewrapped = await rewrap(envelope, recipients, identities);
    if (rewrapped.kind === 'same') return { result: 'same', why: '' };
    if (rewrapped.kind === 'closed') return { result: 'left', why: 'no identity opens it' };
    const { text } = envelopeText(rewrapped.envelope);
    await runErrand(io, loaded, { kind: 'wrap', envelope: text, who: accountName() });
    return { result: 'wrapped', why: rewrapped.envelope.wraps.map(({ to }) => to).join(', ') };
  } catch (cause) {
    if (cause instanceof KeyServiceError) return { result: 'left', why: cause.message };
    if (cause instanceof CliError && cause.code === EXIT.refused) return { result: 'left', why: cause.message };
    throw cause;
  }
}

/** Returns `sallyport keys wrap`. */
export const wrapCommand = (io: Io): Command =>
  new Command('wrap')
    .description('wrap the keys there are for the recipients of the config; takes an identity that opens them')
    .addOption(configOption())
    .addOption(identityOption())
    .action((options: WrapOptions) => wrap(io, options));
