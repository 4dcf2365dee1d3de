/**
 * Tokens that their issuers begin with something nobody else does. One row each: kind, title, form, and what it may go
 * on with. The forms are written from what the issuers say of their tokens, and from tokens they issue.
 */

import type { Detector } from './detector.ts';
import { TOKEN, TOKEN_START } from './fragments.ts';
import { isFiller } from './randomness.ts';

const ALNUM = 'A-Za-z0-9';
const BASE64 = String.raw`A-Za-z0-9+\/`;

const hex = (count: number): string => `[0-9a-f]{${count}}`;
const anyHex = (count: number): string => `[0-9A-Fa-f]{${count}}`;
const lower = (count: number): string => `[a-z0-9]{${count}}`;
const upper = (count: number): string => `[A-Z0-9]{${count}}`;
const alnum = (count: number): string => `[${ALNUM}]{${count}}`;
const url = (count: number): string => `[${TOKEN}]{${count}}`;
const base64 = (count: number): string => `[${BASE64}]{${count}}`;
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** The token is exactly this long: with more behind it, it is something else. */
const EXACT = null;

/** Name, title, form, and the class of what may follow and is swallowed; EXACT when nothing may. */
type Form = readonly [string, string, string, string | null];

const MODELS: readonly Form[] = [
  ['openrouter', 'OpenRouter key', `sk-or-v1-${hex(64)}`, TOKEN],
  ['langfuse', 'Langfuse secret key', `sk-lf-${UUID}`, EXACT],
  ['helicone', 'Helicone key', `sk-helicone-${url(20)}`, TOKEN],
  ['groq', 'Groq key', `gsk_${alnum(48)}`, ALNUM],
  ['cerebras', 'Cerebras key', `csk-${lower(40)}`, ALNUM],
  ['xai', 'xAI key', `xai-${alnum(70)}`, ALNUM],
  ['perplexity', 'Perplexity key', `pplx-${alnum(40)}`, ALNUM],
  ['replicate', 'Replicate token', `r8_${alnum(37)}`, ALNUM],
  ['nvidia', 'NVIDIA API key', `nvapi-${url(60)}`, TOKEN],
  ['elevenlabs', 'ElevenLabs key', `sk_${hex(48)}`, EXACT],
  ['fireworks', 'Fireworks key', `fw_${alnum(22)}`, ALNUM],
  ['firecrawl', 'Firecrawl key', `fc-${hex(32)}`, EXACT],
  ['together', 'Together key', `tgp_v1_${url(40)}`, TOKEN],
  ['tavily', 'Tavily key', `tvly-(?:dev-|prod-)?${alnum(32)}`, ALNUM],
  ['jina', 'Jina key', `jina_${hex(32)}${url(20)}`, TOKEN],
  ['voyage', 'Voyage key', `pa-${url(43)}`, EXACT],
  ['llamacloud', 'LlamaCloud key', `llx-${alnum(44)}`, ALNUM],
  ['langsmith', 'LangSmith key', `lsv2_(?:pt|sk)_${hex(32)}_${hex(10)}`, ALNUM],
  ['pinecone', 'Pinecone key', `pcsk_${alnum(5)}[${TOKEN}]{40}`, TOKEN],
  ['wandb', 'Weights & Biases key', `wandb_v1_${url(40)}`, TOKEN],
  ['runpod', 'RunPod key', `rpa_${upper(40)}`, ALNUM],
  ['aws_bedrock', 'Amazon Bedrock key', `(?:ABSK${base64(80)}|bedrock-api-key-${base64(24)})`, `${BASE64}=`],
  ['apify', 'Apify token', `apify_api_${alnum(36)}`, ALNUM],
];

const CLOUDS: readonly Form[] = [
  ['aws_session', 'AWS session token', `(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)${base64(100)}`, `${BASE64}=`],
  ['alibaba', 'Alibaba Cloud access key id', `LTAI${alnum(12)}`, ALNUM],
  ['tencent', 'Tencent Cloud secret id', `AKID${alnum(32)}`, ALNUM],
  ['digitalocean', 'DigitalOcean token', `do[opr]_v1_${hex(64)}`, ALNUM],
  ['scaleway', 'Scaleway access key', `SCW${upper(17)}`, EXACT],
  ['yandex', 'Yandex Cloud key', `(?:AQVN${url(35)}|YC[A-Z]${url(37)}|t1\\.\\deu${url(17)})`, `${TOKEN}.=`],
  ['heroku', 'Heroku key', `HRKU-(?:AA${url(50)}|${UUID})`, TOKEN],
  ['flyio', 'Fly.io token', `(?:fm[12][ar]?_${base64(60)}|fo1_${url(40)})`, `${BASE64}=,_-`],
  ['render', 'Render key', `rnd_${alnum(28)}`, ALNUM],
  ['netlify', 'Netlify token', `nf[pco]_${alnum(36)}`, ALNUM],
  ['vercel', 'Vercel token', `(?:vc[pkiar]_${alnum(24)}|vercel_blob_rw_${alnum(16)}_${alnum(20)})`, TOKEN],
  ['deno', 'Deno Deploy token', `dd[pwo]_${alnum(36)}`, ALNUM],
  ['supabase', 'Supabase key', `(?:sbp_(?:v0_)?${hex(40)}|sb_secret_${url(22)})`, TOKEN],
  ['neon', 'Neon key', `napi_${lower(50)}`, ALNUM],
  ['planetscale', 'PlanetScale token', String.raw`pscale_(?:tkn|pw|oauth|api)_[${TOKEN}.=]{32}`, `${TOKEN}.=`],
  ['xata', 'Xata key', `xau_${alnum(40)}`, ALNUM],
  ['mongodb_atlas', 'MongoDB Atlas service account secret', `mdb_sa_sk_${url(36)}`, TOKEN],
  ['cloudflare_origin', 'Cloudflare origin CA key', `v1\\.0-${hex(24)}-${hex(140)}`, ALNUM],
  ['azure_devops', 'Azure DevOps token', `${alnum(76)}AZDO${alnum(4)}`, EXACT],
  ['azure_search', 'Azure AI Search key', `${alnum(42)}AzSe${alnum(6)}`, EXACT],
  ['azure_functions', 'Azure Functions key', `${url(44)}AzFu${url(6)}`, `${TOKEN}=`],
  ['azure_registry', 'Azure container registry key', `${base64(42)}\\+ACR${alnum(6)}`, EXACT],
  ['azure_cosmos', 'Azure Cosmos DB key', `${base64(76)}ACDb${base64(6)}`, '='],
  ['azure_openai', 'Azure AI services key', `${alnum(52)}JQQJ99${alnum(26)}`, EXACT],
  ['databricks', 'Databricks token', `(?:dapi|dose|dkea)${hex(32)}(?:-\\d)?`, EXACT],
  ['clickhouse', 'ClickHouse Cloud key', `4b1d${alnum(38)}`, EXACT],
  ['dynatrace', 'Dynatrace token', `dt0[a-z]\\d{2}\\.${alnum(24)}\\.${alnum(64)}`, ALNUM],
  ['tailscale', 'Tailscale key', `tskey-(?:api|auth|client|scim|webhook)-[${ALNUM}-]{20}`, `${ALNUM}-`],
  ['defined_networking', 'Defined Networking key', `dnkey-${url(26)}-${url(40)}`, TOKEN],
  ['vault', 'HashiCorp Vault token', `hv[sbr]\\.${url(24)}`, TOKEN],
  ['terraform', 'HCP Terraform token', `${alnum(14)}\\.atlasv1\\.${url(50)}`, TOKEN],
  ['pulumi', 'Pulumi token', `pul-${hex(40)}`, ALNUM],
  ['doppler', 'Doppler token', String.raw`dp\.(?:pt|st|sa|ct|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?${alnum(40)}`, ALNUM],
  ['infracost', 'Infracost key', `ico-${alnum(32)}`, ALNUM],
  ['scalingo', 'Scalingo token', `tk-us-${url(48)}`, TOKEN],
  ['portainer', 'Portainer token', `ptr_${base64(43)}`, `${BASE64}=`],
  ['openshift', 'OpenShift token', `sha256~${url(43)}`, EXACT],
  [
    'onepassword',
    '1Password service account token or secret key',
    `(?:ops_eyJ${base64(100)}|A3-${upper(6)}-(?:${upper(11)}|${upper(6)}-${upper(5)})-${upper(5)}-${upper(5)}-${upper(5)})`,
    `${BASE64}=`,
  ],
  ['adobe', 'Adobe client secret', `p8e-${hex(32)}`, EXACT],
  ['age', 'age secret key', 'AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}', ALNUM],
];

const CODE: readonly Form[] = [
  ['bitbucket', 'Bitbucket app password or access token', `(?:ATBB${alnum(28)}|ATCTT3[${TOKEN}=]{100})`, `${TOKEN}=`],
  ['atlassian', 'Atlassian API token', `ATATT3[${TOKEN}=]{100}`, `${TOKEN}=`],
  ['trello', 'Trello token', `ATTA${hex(64)}`, ALNUM],
  ['docker_hub', 'Docker Hub token', `dckr_(?:pat|oat)_${url(27)}`, TOKEN],
  ['pypi', 'PyPI token', `pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)${url(40)}`, TOKEN],
  ['rubygems', 'RubyGems key', `rubygems_${hex(48)}`, ALNUM],
  ['nuget', 'NuGet key', `oy2[a-z0-9]{43}`, EXACT],
  ['clojars', 'Clojars token', `CLOJARS_${lower(60)}`, ALNUM],
  ['jfrog', 'JFrog Artifactory key', `(?:AKCp${alnum(60)}|cmVmdGtu${alnum(50)})`, ALNUM],
  ['circleci', 'CircleCI token', `CCIP(?:AT|RJ)_${alnum(22)}_${hex(40)}`, ALNUM],
  ['buildkite', 'Buildkite token', `bk(?:ua|ct|pt|aj|at)_${hex(40)}`, ALNUM],
  ['harness', 'Harness token', `[ps]at\\.${url(22)}\\.${alnum(24)}\\.${alnum(20)}`, ALNUM],
  ['octopus', 'Octopus Deploy key', `API-${upper(26)}`, EXACT],
  ['sonarqube', 'SonarQube token', `sq[apu]_${hex(40)}`, ALNUM],
  ['sourcegraph', 'Sourcegraph token', `sgp_(?:(?:${anyHex(16)}|local)_)?${anyHex(40)}`, EXACT],
  ['sentry', 'Sentry token', `(?:sntry[ua]_${hex(64)}|sntrys_eyJ[${BASE64}=_-]{40})`, `${BASE64}=_-`],
  ['postman', 'Postman key', `PMAK-${hex(24)}-${hex(34)}`, ALNUM],
  ['linear', 'Linear key', `lin_(?:api|oauth)_${alnum(40)}`, ALNUM],
  ['figma', 'Figma token', `fig[dour]_${url(40)}`, TOKEN],
  ['notion', 'Notion token', `(?:ntn_${alnum(43)}|secret_${alnum(43)})`, ALNUM],
  ['airtable', 'Airtable token', `pat${alnum(14)}\\.${hex(64)}`, ALNUM],
  ['asana', 'Asana token', `[012]\\/\\d{15,16}(?:\\/\\d{15,16})?:${hex(32)}`, EXACT],
  ['readme', 'ReadMe key', `rdme_${lower(64)}`, ALNUM],
  ['prefect', 'Prefect key', `pn[ub]_${alnum(36)}`, ALNUM],
  ['rootly', 'Rootly key', `rootly_${hex(64)}`, ALNUM],
  ['typeform', 'Typeform token', `tfp_[${TOKEN}.=]{40}`, `${TOKEN}.=`],
  ['val_town', 'Val Town token', `vtwn_${alnum(24)}`, ALNUM],
  ['retool', 'Retool token', `retool_[${ALNUM}_]{24}`, TOKEN],
  ['wakatime', 'WakaTime key', `waka_${UUID}`, EXACT],
  ['trigger', 'Trigger.dev key', `tr_(?:dev|prod|stg|pat)_${alnum(20)}`, ALNUM],
  ['unkey', 'Unkey root key', `unkey_${alnum(20)}`, ALNUM],
  ['zuplo', 'Zuplo key', `zpka_${alnum(32)}_${alnum(8)}`, EXACT],
];

const WATCH: readonly Form[] = [
  [
    'grafana',
    'Grafana token',
    `(?:glsa_${alnum(32)}_${anyHex(8)}|glc_eyJ${base64(32)}|eyJrIjoi${base64(60)})`,
    `${BASE64}=`,
  ],
  ['newrelic', 'New Relic key', `NR(?:AK-${upper(27)}|(?:II|IQ|JS|AA|BR|RA)-${url(19)})`, TOKEN],
  ['honeycomb', 'Honeycomb key', `hc[a-z]ik_${lower(40)}`, ALNUM],
  ['posthog', 'PostHog personal key', `phx_${alnum(40)}`, ALNUM],
  ['segment', 'Segment token', `sgp_${alnum(64)}`, EXACT],
  ['launchdarkly', 'LaunchDarkly key', `(?:api|sdk)-${UUID}`, EXACT],
  ['statsig', 'Statsig secret key', `(?:secret|console)-${alnum(43)}`, EXACT],
  ['contentful', 'Contentful token', `CFPAT-${url(43)}`, TOKEN],
  ['adafruit', 'Adafruit IO key', `aio_${alnum(28)}`, ALNUM],
  ['samsara', 'Samsara token', `samsara_api_${alnum(30)}`, ALNUM],
];

const MONEY: readonly Form[] = [
  ['square', 'Square token', `(?:sq0[a-z]{3}-${url(22)}|EAAA${url(60)})`, TOKEN],
  ['shopify', 'Shopify token', `shp(?:at|ca|pa|ss|ua|ka)_${anyHex(32)}`, ALNUM],
  [
    'braintree',
    'Braintree or PayPal access token',
    `access_token\\$(?:production|sandbox)\\$${lower(16)}\\$${hex(32)}`,
    ALNUM,
  ],
  ['plaid', 'Plaid access token', `access-(?:sandbox|development|production)-${UUID}`, EXACT],
  ['razorpay', 'Razorpay key id', `rzp_(?:live|test)_${alnum(14)}`, ALNUM],
  ['mercadopago', 'Mercado Pago token', `(?:APP_USR|TEST)-\\d{12,19}-\\d{6}-${hex(32)}`, `${ALNUM}_-`],
  ['flutterwave', 'Flutterwave secret key', `FLWSECK(?:_TEST)?-[0-9A-Za-z]{12}`, `${ALNUM}-`],
  ['easypost', 'EasyPost key', `EZ[AT]K${alnum(54)}`, ALNUM],
  ['shippo', 'Shippo token', `shippo_(?:live|test)_${anyHex(40)}`, ALNUM],
  ['lob', 'Lob key', `(?:live|test)_${hex(35)}`, EXACT],
  ['duffel', 'Duffel token', `duffel_(?:live|test)_[${TOKEN}=]{43}`, `${TOKEN}=`],
  ['polar', 'Polar token', `polar_(?:oat|pat|whs)_${alnum(32)}`, ALNUM],
  ['stytch', 'Stytch secret', `secret-(?:live|test)-[${TOKEN}=]{36}`, `${TOKEN}=`],
  ['bitcoin_private', 'Bitcoin extended private key', `[xyzt]prv[1-9A-HJ-NP-Za-km-z]{107}`, EXACT],
];

const TALK: readonly Form[] = [
  ['sendgrid', 'SendGrid key', `SG\\.${url(22)}\\.${url(43)}`, TOKEN],
  ['mailgun', 'Mailgun key', `(?:key-${hex(32)}|${hex(32)}-${hex(8)}-${hex(8)})`, EXACT],
  ['mailchimp', 'Mailchimp key', `${hex(32)}-us\\d{1,2}`, EXACT],
  ['mandrill', 'Mailchimp Transactional key', `md-[${TOKEN}]{22}`, EXACT],
  ['brevo', 'Brevo key', `x(?:key|smtp)sib-${hex(64)}-${alnum(16)}`, ALNUM],
  ['resend', 'Resend key', `re_${alnum(8)}_${alnum(24)}`, EXACT],
  ['twilio', 'Twilio API key', `SK${hex(32)}`, EXACT],
  ['telegram', 'Telegram bot token', `\\d{5,10}:A${url(34)}`, EXACT],
  ['discord', 'Discord bot token', `[MNO][A-Za-z0-9_-]{23,27}\\.[${TOKEN}]{6}\\.[${TOKEN}]{27}`, TOKEN],
  [
    'facebook',
    'Facebook access token',
    `(?:EAA[A-Z][${ALNUM}]{60}|IGQV[${TOKEN}]{60}|\\d{15,16}(?:\\||%7C)${url(27)})`,
    TOKEN,
  ],
  ['twitter', 'X bearer token', `AAAAAAAAAAAAAAAAAAAAA[${ALNUM}%]{60}`, `${ALNUM}%`],
  ['hubspot', 'HubSpot token', `pat-(?:na|eu|ap)\\d-${UUID}`, EXACT],
  ['intercom', 'Intercom token', `dG9rOj${base64(40)}`, `${BASE64}=`],
  ['salesforce', 'Salesforce session', `00D${alnum(12)}(?:${alnum(3)})?![${ALNUM}._]{60}`, `${ALNUM}._`],
  ['dropbox', 'Dropbox token', `sl\\.(?:u\\.)?[${TOKEN}]{100}`, TOKEN],
  ['google_refresh', 'Google refresh token', `1\\/\\/0[${TOKEN}]{38}`, TOKEN],
  ['firebase', 'Firebase Cloud Messaging key', `AAAA[${TOKEN}]{7}:APA91b[${TOKEN}]{60}`, TOKEN],
  ['mapbox', 'Mapbox secret token', `[st]k\\.eyJ[${TOKEN}]{30,150}\\.[${TOKEN}]{20}`, TOKEN],
  ['maxmind', 'MaxMind licence key', `${alnum(6)}_${alnum(29)}_mmk`, EXACT],
  ['rapidapi', 'RapidAPI key', `${lower(10)}msh${lower(15)}p1${lower(6)}jsn${lower(12)}`, EXACT],
  ['frameio', 'Frame.io token', `fio-u-[${TOKEN}=]{60}`, `${TOKEN}=`],
  ['intra42', '42 Intra secret', `s-s4t2(?:ud|af)-${hex(64)}`, ALNUM],
];

/** Addresses that are keys: whoever has one can post. The host stands ahead. */
const HOOKS: readonly Form[] = [
  [
    'discord_webhook',
    'Discord webhook',
    String.raw`(?<=discord(?:app)?\.com\/api\/(?:v\d{1,2}\/)?webhooks\/)\d{17,20}\/${url(60)}`,
    TOKEN,
  ],
  [
    'teams_webhook',
    'Microsoft Teams webhook',
    String.raw`(?<=webhook\.office\.com\/webhookb2\/)[a-z0-9-]{36}@[a-z0-9-]{36}\/IncomingWebhook\/${alnum(32)}`,
    `${ALNUM}/-`,
  ],
  [
    'zapier_webhook',
    'Zapier webhook',
    String.raw`(?<=hooks\.zapier\.com\/hooks\/catch\/)\d{4,10}\/[a-z0-9]{5}`,
    `${ALNUM}/`,
  ],
  ['cloudinary', 'Cloudinary address with its secret', `(?<=cloudinary:\\/\\/)\\d{15}:[${TOKEN}]{27}`, TOKEN],
];

/** The bodies begin behind the last mark of a prefix. */
const acceptDrawn = (match: string): number => (isFiller(match) ? 0 : match.length);

const detectorOf = ([name, title, form, rest]: Form): Detector => ({
  kind: `secret.${name}`,
  title,
  pattern: new RegExp(
    `${form.startsWith('(?<=') ? '' : TOKEN_START}${rest === EXACT ? `(?:${form})(?![${TOKEN}])` : form}`,
  ),
  accept: acceptDrawn,
  ...(rest === EXACT ? {} : { swallow: { while: rest } }),
  score: rest === EXACT ? 0.9 : 0.95,
});

/** Detectors of this family, in priority order. */
export const TOKEN_FORMS: readonly Detector[] = [
  ...MODELS,
  ...CLOUDS,
  ...CODE,
  ...WATCH,
  ...MONEY,
  ...TALK,
  ...HOOKS,
].map(detectorOf);
