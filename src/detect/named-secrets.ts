/**
 * Keys that look like any random value: what tells them is the name of their issuer ahead, and a word that says key. One
 * row each: kind, issuer for people, names, and form.
 */

import { type Context, type Detector, phrases } from './detector.ts';
import { looksRandom } from './randomness.ts';

const KEY_WORDS: Context = {
  words: phrases(
    'key, keys, token, secret, password, passwd, credential, credentials, auth, apikey, pat, bearer, license, licence',
    'Schlüssel, Geheimnis, Passwort, clé, jeton, mot de passe, clave, contraseña, chiave, segreto, chave, senha, sleutel, wachtwoord, klucz, hasło',
  ),
  required: true,
};

type Named = readonly [string, string, string, string];

const hex = (count: number): string => `[0-9a-f]{${count}}`;
const alnum = (count: number): string => `[A-Za-z0-9]{${count}}`;
const lower = (count: number): string => `[a-z0-9]{${count}}`;
const url = (count: number): string => String.raw`[A-Za-z0-9_\-]{${count}}`;
const base64 = (count: number): string => String.raw`[A-Za-z0-9+\/]{${count}}`;
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

const NAMED: readonly Named[] = [
  ['algolia', 'Algolia', 'algolia', hex(32)],
  ['amplitude', 'Amplitude', 'amplitude', hex(32)],
  ['atlassian_legacy', 'Atlassian', 'atlassian, jira, confluence', alnum(24)],
  ['auth0', 'Auth0', 'auth client secret, auth zero', url(64)],
  ['assemblyai', 'AssemblyAI', 'assemblyai, assembly ai', hex(32)],
  ['azure_cognitive', 'Azure', 'azure, cognitive services, ocp apim subscription', hex(32)],
  ['binance', 'Binance', 'binance', alnum(64)],
  ['bitly', 'Bitly', 'bitly', hex(40)],
  ['bugsnag', 'Bugsnag', 'bugsnag', hex(32)],
  ['cloudflare', 'Cloudflare', 'cloudflare, cf', `(?:${hex(37)}|${url(40)})`],
  ['codecov', 'Codecov', 'codecov', `(?:${UUID}|${hex(32)})`],
  ['cohere', 'Cohere', 'cohere', alnum(40)],
  ['coinbase', 'Coinbase', 'coinbase', url(64)],
  ['confluent', 'Confluent', 'confluent', `(?:${base64(64)}|[A-Z0-9]{16})`],
  ['consul', 'Consul', 'consul', UUID],
  ['datadog', 'Datadog', 'datadog, dd', `(?:${hex(40)}|${hex(32)})`],
  ['deepgram', 'Deepgram', 'deepgram', hex(40)],
  ['deepl', 'DeepL', 'deepl', `${UUID}(?::fx)?`],
  ['drone', 'Drone CI', 'drone', alnum(32)],
  ['elastic', 'Elastic', 'elastic, elasticsearch, elastic cloud', String.raw`[A-Za-z0-9]{24}|[A-Za-z0-9+\/]{58}==`],
  ['etsy', 'Etsy', 'etsy', lower(24)],
  ['fastly', 'Fastly', 'fastly', url(32)],
  ['freshdesk', 'Freshdesk', 'freshdesk, freshworks', alnum(20)],
  ['gitter', 'Gitter', 'gitter', url(40)],
  ['gocardless', 'GoCardless', 'gocardless', `(?:live|sandbox)_${url(40)}`],
  ['heroku_legacy', 'Heroku', 'heroku', UUID],
  ['hetzner', 'Hetzner', 'hetzner, hcloud', alnum(64)],
  ['ibm', 'IBM Cloud', 'ibm, ibmcloud, bluemix, watson', url(44)],
  ['jenkins', 'Jenkins', 'jenkins', `(?:11${hex(32)}|${hex(32)})`],
  ['kraken', 'Kraken', 'kraken', String.raw`[A-Za-z0-9\/+]{54,88}={0,2}`],
  ['kucoin', 'KuCoin', 'kucoin', `(?:${hex(24)}|${UUID})`],
  ['lark', 'Lark', 'lark, feishu', alnum(32)],
  ['linkedin', 'LinkedIn', 'linkedin', alnum(16)],
  ['logzio', 'Logz.io', 'logzio, logz io', alnum(32)],
  ['mattermost', 'Mattermost', 'mattermost', lower(26)],
  ['messagebird', 'MessageBird', 'messagebird, bird', alnum(25)],
  ['mistral', 'Mistral', 'mistral', alnum(32)],
  ['mixpanel', 'Mixpanel', 'mixpanel', hex(32)],
  ['nexmo', 'Vonage', 'nexmo, vonage', alnum(16)],
  ['nomad', 'Nomad', 'nomad', UUID],
  ['okta', 'Okta', 'okta', `00${url(40)}`],
  ['openweather', 'OpenWeather', 'openweather, openweathermap, owm', hex(32)],
  ['opsgenie', 'Opsgenie', 'opsgenie', UUID],
  ['pagerduty', 'PagerDuty', 'pagerduty, pager duty', `(?:u\\+${url(18)}|${url(20)}|${hex(32)})`],
  ['papertrail', 'Papertrail', 'papertrail', alnum(20)],
  ['pusher', 'Pusher', 'pusher', hex(20)],
  ['reddit', 'Reddit', 'reddit', url(27)],
  ['sendbird', 'Sendbird', 'sendbird', `(?:${hex(40)}|${UUID})`],
  ['shodan', 'Shodan', 'shodan', alnum(32)],
  [
    'sidekiq',
    'Sidekiq',
    'bundle enterprise contribsys com, bundle gems contribsys com, sidekiq',
    `${hex(8)}:${hex(8)}`,
  ],
  ['snyk', 'Snyk', 'snyk', UUID],
  ['spotify', 'Spotify', 'spotify', hex(32)],
  ['squarespace', 'Squarespace', 'squarespace', UUID],
  ['stability', 'Stability AI', 'stability, dreamstudio', alnum(51)],
  ['sumologic', 'Sumo Logic', 'sumo, sumologic', alnum(64)],
  ['terraform_legacy', 'Terraform', 'tfe, terraform', alnum(32)],
  ['travis', 'Travis CI', 'travis', url(22)],
  ['trello_legacy', 'Trello', 'trello', hex(32)],
  ['twilio_auth', 'Twilio', 'twilio', hex(32)],
  ['twitch', 'Twitch', 'twitch', lower(30)],
  ['twitter_legacy', 'X', 'twitter', `(?:${alnum(25)}|${alnum(50)}|\\d{15,20}-${alnum(40)})`],
  ['virustotal', 'VirusTotal', 'virustotal, vt', hex(64)],
  ['vultr', 'Vultr', 'vultr', '[A-Z0-9]{36}'],
  ['wandb_legacy', 'Weights & Biases', 'wandb, weights biases', hex(40)],
  ['webflow', 'Webflow', 'webflow', hex(64)],
  ['zendesk', 'Zendesk', 'zendesk', alnum(40)],
  ['zoom', 'Zoom', 'zoom', `(?:${alnum(32)}|${url(22)})`],
];

/** A value begins behind what assigns it, opens a quotation, or parts words. */
const START = String.raw`(?<=[=:"'\u0060(\s>])`;

const detectorOf = ([name, title, names, form]: Named): Detector => ({
  kind: `secret.${name}`,
  title: `${title} key, behind its name`,
  pattern: new RegExp(String.raw`${START}(?:${form})(?![A-Za-z0-9_+\/.-])`),
  accept: (match) => (looksRandom(match) ? match.length : 0),
  context: { words: [...phrases(names), ...(/\d/.test(title) ? [] : [title])], required: true, and: KEY_WORDS },
  score: 0.8,
});

/** Detectors of this family, in priority order. */
export const NAMED_SECRETS: readonly Detector[] = NAMED.map(detectorOf);
