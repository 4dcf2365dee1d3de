/**
 * The one schema of `sallyport.yaml`: its types, defaults, JSON Schema and docs/config.md all come from here. Sections
 * that are long stand in config/schema/; what must hold between keys is in config/checks.ts. Descriptions are sentences
 * for docs/config.md.
 */

import { z } from 'zod';
import { classifier } from './config/schema/classifier.ts';
import { issuer } from './config/schema/identity.ts';
import { detector, masking } from './config/schema/masking.ts';
import { policy, price } from './config/schema/policy.ts';
import { recipient, retentionRule } from './config/schema/recording.ts';
import { service } from './config/schema/service.ts';
import { store } from './config/schema/store.ts';
import { address, duration, listenAddress, name, secret, size } from './config/schema/values.ts';

/** The schema of `sallyport.yaml`. */
export const configSchema = z.strictObject({
  listeners: z
    .array(
      z.strictObject({
        address: listenAddress,
        service: name().optional().describe('Serve only this service here, at the root path.'),
        tls: z
          .strictObject({
            cert: secret.describe('The certificate chain in PEM, by reference.'),
            key: secret.describe('Its private key in PEM, by reference.'),
            clientCa: secret
              .optional()
              .describe('Certificate authorities in PEM: callers must present a certificate of theirs (mTLS).'),
          })
          .optional()
          .describe('Speak TLS here, HTTP/2 or HTTP/1.1 by ALPN; without it plain text.'),
      }),
    )
    .min(1)
    .default([{ address: '127.0.0.1:8080' }])
    .describe('Where callers connect.'),
  public_url: z
    .url()
    .optional()
    .describe('How callers reach the first listener; used in challenges and approval links.'),
  control: z
    .strictObject({ address: address.default('127.0.0.1:8081') })
    .default({ address: '127.0.0.1:8081' })
    .describe('The port for the API, `/metrics`, `/healthz` and `/readyz`. Not for callers.'),
  workers: z.int().min(1).max(64).optional().describe('Data worker threads; by default one less than the cores.'),
  trusted_proxies: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "Addresses or CIDR ranges whose `x-forwarded-for` counts, `unix` for whoever connects to a Unix socket; nobody's by default.",
    ),
  limits: z
    .strictObject({
      headers: size().prefault('16KiB').describe('The largest request head.'),
      connections: z.int().min(1).default(10_000).describe('Open connections per data worker.'),
      calls: z
        .int()
        .min(1)
        .default(5_000)
        .describe('Calls under way per data worker; more are refused as `overloaded`.'),
      resets: z
        .int()
        .min(1)
        .default(500)
        .describe(
          'Calls a second that one HTTP/2 connection may cancel before anything of an answer has left, beside as many as are answered; twice as many at once. A connection with more is ended.',
        ),
      buffered: size()
        .prefault('256MiB')
        .describe(
          'All request bodies, and answers that are held to be masked, in memory together, per data worker; more is refused as `overloaded`.',
        ),
      head_timeout: duration().prefault('10s').describe('How long a request head may take.'),
      body_timeout: duration().prefault('1m').describe('How long a request body may take.'),
      inspection: duration()
        .prefault('2s')
        .describe(
          'How much time of its thread the inspection of one body or message may take, its masking again, and the masking of one answer or event of it; what takes longer is refused. Others have their turns in between.',
        ),
      stall_timeout: duration().prefault('5m').describe('How long a caller may leave an answer unread.'),
      keep_alive: duration().prefault('65s').describe('How long an idle connection stays open.'),
      drain: duration().prefault('30s').describe('How long calls under way may go on after SIGTERM.'),
      counts: z
        .int()
        .min(64)
        .max(4_194_304)
        .default(65_536)
        .describe(
          'Counts of the `limit` rules kept at once, about 230 bytes each, by all data workers together; a call that needs one more is refused as `overloaded`. Changes take effect at the next start. An eighth as many counts of distinct inputs are kept, 3 KiB each.',
        ),
      on_store_lost: z
        .enum(['local', 'refuse'])
        .default('local')
        .describe(
          'While `store.postgres` cannot be reached: `local` goes on with what was known and what is counted here, so that each gateway keeps every limit by itself; `refuse` refuses calls that a limit applies to as `overloaded`. Changes take effect at the next start.',
        ),
    })
    .prefault({})
    .describe('How much of everything the gateway takes. No bound can be switched off.'),
  identity: z
    .strictObject({
      issuers: z.array(issuer).min(1).describe('Who may vouch for callers.'),
      clock_skew: duration().prefault('30s').describe('Tolerance for the times in tokens; at most 60s.'),
      stale_keys: duration()
        .prefault('1d')
        .describe('How long known keys stay good while their issuer cannot be reached.'),
    })
    .describe('Who is believed about who is calling.'),
  services: z.array(service).min(1).describe('The inference services behind the gateway.'),
  classifiers: z
    .array(classifier)
    .default([])
    .describe('Outside classifiers (docs/classifiers.md). Each is asked only where a rule reads what it says.'),
  policies: z.array(policy).default([]).describe('Who may do what. Without a matching `allow`, a call is denied.'),
  prices: z
    .array(price)
    .default([])
    .describe('What models cost, for rules that limit `spend`; the first that fits counts.'),
  detectors: z
    .array(detector)
    .max(200)
    .default([])
    .describe("The operator's own detectors, beside those of docs/detectors.md, in order of priority."),
  masking: z.array(masking).default([]).describe('What is masked, and for whom.'),
  approvals: z
    .strictObject({
      wait: duration().prefault('1m').describe('The longest that `Prefer: wait=N` holds a call open.'),
      waiting: z.int().min(0).default(100).describe('Calls held open at once per data worker.'),
      pending_per_caller: z.int().min(1).default(20).describe('Pending approvals per caller.'),
    })
    .prefault({})
    .describe('How calls wait for a human.'),
  recording: z
    .strictObject({
      keep: duration()
        .prefault('90d')
        .describe('How long recordings are kept; then their keys are destroyed, and the ledger says so.'),
      retention: z
        .array(retentionRule)
        .default([])
        .describe('Recordings that are kept for longer or shorter: the first rule that a session meets counts.'),
      key: secret
        .default({ file: './keys/recording.key' })
        .describe(
          'The key of the gateway: recording keys are wrapped under it, unless there are `recipients`; `sallyport init` makes one.',
        ),
      recipients: z
        .array(recipient)
        .default([])
        .describe(
          'Who can read recordings, instead of whoever has `key`: age recipients (`age1…`) and keys of AWS KMS. The gateway can read only what it is still writing.',
        ),
      originals: z
        .array(recipient)
        .default([])
        .describe(
          'Keeps what masking takes away of requests and answers, for these recipients and nobody else; none: it is not kept.',
        ),
      max_session: size()
        .prefault('64MiB')
        .describe('What is recorded of one call at most; beyond it `over` says what happens.'),
      over: z
        .enum(['refuse', 'truncate'])
        .default('refuse')
        .describe('`refuse` ends the answer at the limit; `truncate` goes on and marks the record as truncated.'),
    })
    .prefault({})
    .describe('What is kept of every call, encrypted.'),
  ledger: z
    .strictObject({
      key: secret
        .default({ file: './keys/ledger.key' })
        .describe('The Ed25519 key that signs checkpoints; `sallyport init` makes one.'),
      checkpoint_every: duration()
        .prefault('1s')
        .describe('How often a checkpoint is signed while there is something new.'),
      witnesses: z
        .array(
          z.strictObject({
            url: z.url().describe('Where it answers, without `/add-checkpoint`.'),
            key: z.string().min(1).describe('Its public key, `NAME+ID+BASE64`, of the type for cosignatures.'),
          }),
        )
        .default([])
        .describe(
          'Witnesses (C2SP tlog-witness) that cosign each checkpoint. One that does not answer is left out; one that has seen another or a longer ledger stops the gateway.',
        ),
      timestamps: z
        .strictObject({
          url: z.url().describe('Where the authority answers (RFC 3161 over HTTP).'),
          certificate: z
            .string()
            .min(1)
            .describe(
              'The file of its certificate (PEM), for time-stamping alone; it is what time-stamps are checked against.',
            ),
          every: duration().prefault('1h').describe('How often a checkpoint is time-stamped.'),
          on_error: z
            .enum(['continue', 'stop'])
            .default('continue')
            .describe(
              '`continue` logs that the authority failed and asks again next time; `stop` lets no call pass any more.',
            ),
        })
        .optional()
        .describe('Has an authority sign when checkpoints existed; the tokens are in the ledger and in proofs.'),
    })
    .prefault({})
    .describe('The tamper-evident log of every call.'),
  store,
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least that is worth a line.'),
    })
    .prefault({})
    .describe('What the gateway says on stderr, as JSON lines; never a payload or a secret.'),
});

/** A checked `sallyport.yaml`, durations in milliseconds and sizes in bytes, every default filled in. */
export type Config = z.output<typeof configSchema>;

export type IssuerConfig = Config['identity']['issuers'][number];
export type ServiceConfig = Config['services'][number];
export type ToolsConfig = NonNullable<ServiceConfig['tools']>;
export type PolicyConfig = Config['policies'][number];
export type LimitConfig = NonNullable<PolicyConfig['limit']>;
export type PriceConfig = Config['prices'][number];
export type DetectorConfig = Config['detectors'][number];
export type MaskingConfig = Config['masking'][number];
export type ClassifierConfig = Config['classifiers'][number];
export type SecretRef = z.output<typeof secret>;
