/**
 * Commands that destroy, take over or give away: shells, SQL and clouds. What is ordinary in code and documentation
 * (`rm -rf node_modules`, `DELETE FROM t WHERE id = 1`) is none.
 */

import type { Trip } from '../call.ts';
import { compileWires, tripOf, type Wire } from './wire.ts';

const S = String.raw`[ \t]{1,8}`;
/** The end of a word in a shell. */
const END = String.raw`(?=["'\s;|&)\x60]|$)`;
const FLAGS = String.raw`(?:${S}-{1,2}[\w=-]{1,32}){0,6}`;
const QUOTE = `["']?`;
const SUDO = String.raw`(?:sudo${FLAGS}${S})?`;
const BIN = String.raw`(?:/(?:usr/)?(?:local/)?bin/)?`;
/** What runs what it is given. */
const RUNNER = String.raw`${SUDO}${BIN}(?:env${S})?${BIN}(?:(?:ba|z|da|k|fi|c|tc|a)?sh|python[\d.]{0,4}|perl|ruby|node|php)(?![\w.-])`;

const SYSTEM = String.raw`(?:/(?:etc|usr|var|home|bin|sbin|boot|lib|lib64|opt|root|srv|dev|proc|sys|mnt|media|data|Users|System|Library|Applications)|/|~|\$\{?HOME\}?)`;
/** Everything, or what a system or a person cannot do without. */
const ROOTS = String.raw`(?:${SYSTEM}|\.\.?)(?:/?\*|/\.\*|/)?${END}`;

const wire = (kind: string, starts: readonly string[], source: string): Wire => ({
  kind,
  starts,
  pattern: new RegExp(source, 'iy'),
  weight: 1,
});

const WORD = String.raw`(?<![\w$.-])`;
const IDENT = String.raw`[\w"\x60'.\[\]$-]{1,128}`;

export const COMMAND_WIRES: readonly Wire[] = [
  // files
  wire(
    'files.delete',
    ['rm'],
    String.raw`${WORD}rm(?=(?:${S}-{1,2}[\w=-]{1,32}){0,5}${S}-(?:[a-z]{0,8}r|-recursive))(?:${S}-{1,2}[\w=-]{1,32}){1,6}${S}(?:--${S})?${QUOTE}(?:${ROOTS}|\*${END})`,
  ),
  wire('files.delete', ['--no-preserve-root'], String.raw`--no-preserve-root\b`),
  wire(
    'files.delete',
    ['find'],
    String.raw`${WORD}find${S}${QUOTE}${SYSTEM}/?${END}[^\n;|]{0,200}(?:${S}-delete\b|-exec(?:dir)?${S}(?:/bin/)?rm\b)`,
  ),
  wire(
    'files.delete',
    ['rd', 'rmdir', 'del', 'erase'],
    String.raw`${WORD}(?:rd|rmdir|del|erase)(?:${S}/[a-z]){1,4}${S}${QUOTE}(?:[a-z]:\\?(?:\*|windows|users)?|%(?:systemroot|userprofile|systemdrive)%\\?)(?:\*(?:\.\*)?)?${END}`,
  ),
  wire(
    'files.delete',
    ['remove-item'],
    String.raw`remove-item\b(?=[^\n;|]{0,120}-recurse)[^\n;|]{0,120}?${S}${QUOTE}(?:[a-z]:\\(?:windows|users)?\\?\*?|\$env:(?:systemroot|userprofile)|/|~|\$home)${END}`,
  ),
  wire(
    'files.delete',
    ['shutil.rmtree', 'fs.rmsync', 'rimraf'],
    String.raw`(?:shutil\.rmtree|fs\.rmsync|rimraf(?:\.sync)?)\([ ]{0,4}["'](?:/|~|/(?:etc|usr|var|home|root|boot|bin|lib|opt))/?["']`,
  ),
  wire(
    'disk.overwrite',
    ['mkfs', 'wipefs', 'blkdiscard', 'shred'],
    String.raw`${WORD}(?:mkfs(?:\.\w{1,8})?|wipefs|blkdiscard|shred)(?:${S}[\w.=-]{1,32}){0,6}${S}/dev/\w`,
  ),
  wire(
    'disk.overwrite',
    ['dd'],
    String.raw`${WORD}dd${S}[^\n;|]{0,160}\bof=/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|mapper|mem)`,
  ),
  wire(
    'disk.overwrite',
    ['>/dev/', '> /dev/', '>  /dev/'],
    String.raw`>[ \t]{0,4}/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk)[a-z\d]`,
  ),
  wire('disk.overwrite', ['format'], String.raw`${WORD}format${S}[c-z]:${S}/[a-z]`),
  wire(
    'files.open',
    ['chmod', 'chown'],
    String.raw`${WORD}(?:chmod|chown)(?=${FLAGS}${S}-(?:[a-z]{0,4}r|-recursive))${FLAGS}${S}[\w:.+=,-]{1,40}${S}${QUOTE}${ROOTS}`,
  ),

  // what is fetched and run, and what hides what is run
  wire(
    'shell.download',
    ['curl', 'wget', 'fetch'],
    String.raw`${WORD}(?:curl|wget|fetch)${S}[^|\n]{1,300}\|[ \t]{0,8}(?:tee${S}[^|\n]{1,64}\|[ \t]{0,8})?${RUNNER}`,
  ),
  wire(
    'shell.download',
    ['sh', 'bash', 'zsh', 'dash', 'ksh', 'source', 'eval', 'python', 'python3', 'perl', 'node', 'ruby'],
    String.raw`${WORD}(?:(?:ba|z|da|k)?sh|source|eval|python3?|perl|node|ruby)(?:${S}-\w{1,4}){0,2}[ \t]{0,8}(?:["']?\$\(|["']?\x60|<\(|<<<${S}["']?\$\()[ \t]{0,4}(?:curl|wget)\b`,
  ),
  wire(
    'shell.download',
    ['iex', 'invoke-expression'],
    String.raw`(?<![\w.])(?:iex|invoke-expression)\b[\s(&"'$]{0,12}(?:\(?[ ]{0,4}new-object[ ]{1,4}(?:system\.)?net\.webclient|iwr|irm|invoke-webrequest|invoke-restmethod|curl|wget|\[(?:system\.)?text\.encoding)`,
  ),
  wire(
    'shell.download',
    ['downloadstring', 'iwr', 'irm', 'invoke-webrequest', 'invoke-restmethod'],
    String.raw`(?<![\w])(?:downloadstring\(|iwr|irm|invoke-webrequest|invoke-restmethod)[^\n|]{1,200}\|[ \t]{0,8}(?:iex|invoke-expression)\b`,
  ),
  wire(
    'shell.decode',
    ['base64', 'openssl', 'xxd', 'gunzip', 'zcat', 'rev', 'tr'],
    String.raw`${WORD}(?:base64${S}(?:-d|-di|--decode|-D)|openssl${S}(?:enc${S}|base64${S})[^|\n]{0,60}-d|xxd${S}-r|gunzip|zcat|rev|tr${S}[^|\n]{1,80})[^|\n]{0,160}\|[ \t]{0,8}(?:(?:gunzip|zcat|base64${S}-d)[^|\n]{0,40}\|[ \t]{0,8})?${SUDO}${BIN}(?:(?:ba|z|da|k)?sh|python[\d.]{0,4}|perl)(?![\w.-])`,
  ),
  wire(
    'shell.decode',
    ['powershell', 'pwsh'],
    String.raw`${WORD}(?:powershell|pwsh)(?:\.exe)?(?:${S}-\w{1,24}(?:${S}\w{1,24})?){0,6}?${S}-e(?:nc|c|ncodedcommand)?${S}["']?[a-z\d+/=]{24}`,
  ),
  wire(
    'shell.decode',
    ['exec', 'eval', 'function'],
    String.raw`(?<![\w.])(?:exec|eval|new function|function)\([ ]{0,4}(?:__import__\(["'](?:base64|zlib)["']\)\.|(?:base64\.|zlib\.)?(?:b64decode|decompress|decodebytes)|atob|base64_decode|gzinflate|str_rot13|unescape|buffer\.from)[ ]{0,2}\(?`,
  ),
  wire(
    'shell.decode',
    ['echo', 'printf'],
    String.raw`${WORD}(?:echo|printf)(?:${S}-\w{1,4}){0,2}${S}["']?(?:\\x[\da-f]{2}){4}[^|\n]{0,400}\|[ \t]{0,8}${SUDO}${BIN}(?:ba|z|da|k)?sh(?![\w.-])`,
  ),

  // shells that call home
  wire(
    'shell.reverse',
    ['/dev/tcp/', '/dev/udp/'],
    String.raw`/dev/(?:tcp|udp)/["'$\w{][\w.:${'$'}{}"'-]{0,80}/["'$\w{]`,
  ),
  wire(
    'shell.reverse',
    ['nc', 'ncat', 'netcat', 'nc.traditional', 'busybox nc'],
    String.raw`${WORD}(?:busybox${S})?(?:nc|ncat|netcat)(?:\.traditional|\.openbsd|\.exe)?(?=${S})[^\n;&]{0,120}?${S}(?:-[a-z]{0,6}[ec]|--exec|--sh-exec)${S}["']?(?:${BIN}(?:ba|z|da|k)?sh|cmd(?:\.exe)?|powershell)\b`,
  ),
  wire(
    'shell.reverse',
    ['mkfifo', 'mknod'],
    String.raw`${WORD}mk(?:fifo|nod)${S}[^\n]{1,200}\|[^\n]{0,80}\b(?:nc|ncat|netcat|telnet|openssl${S}s_client)\b`,
  ),
  wire(
    'shell.reverse',
    ['socat'],
    String.raw`${WORD}socat${S}(?=[^\n]{0,200}\b(?:exec|system):)(?=[^\n]{0,200}\b(?:tcp|udp|openssl)[\w-]{0,12}:)`,
  ),
  wire(
    'shell.reverse',
    ['socket.socket', 'socket('],
    String.raw`socket(?:\.socket)?\((?=[^\n]{0,500}connect[ (])(?=[^\n]{0,500}(?:dup2\(|subprocess\.(?:call|popen|run)\(\[?["'](?:/bin/)?(?:ba)?sh|pty\.spawn|exec[ ]{0,2}\{?\(?["'](?:/bin/)?(?:ba)?sh))`,
  ),
  wire(
    'shell.reverse',
    ['fsockopen', 'tcpsocket'],
    String.raw`(?:fsockopen\(|tcpsocket\.(?:new|open)\()[^\n]{1,200}(?:exec|system|shell_exec|popen|proc_open|passthru)[ ]{0,2}[\x60("' ]`,
  ),
  wire(
    'shell.reverse',
    ['system.net.sockets.tcpclient', 'net.sockets.tcpclient'],
    String.raw`(?:system\.)?net\.sockets\.tcpclient\([^\n]{1,400}getstream\(`,
  ),
  wire(
    'shell.bomb',
    ['(){', '() {', '()  {'],
    String.raw`(?<=(?<![\w])([\w:.]{1,32})[ ]{0,2})\(\)[ ]{0,4}\{[ \n]{0,4}\1[ ]{0,4}\|[ ]{0,4}\1[ ]{0,4}&[ ]{0,4};?[ \n]{0,4}\}[ ]{0,4};[ \n]{0,4}\1`,
  ),
  wire(
    'shell.bomb',
    ['%0|%0', 'while'],
    String.raw`(?:%0\|%0|while[ ]{0,4}\(?(?:true|1)\)?[ ]{0,4}[:{;][ \n]{0,8}(?:do${S})?(?:os\.)?fork\(\))`,
  ),

  // databases
  wire(
    'sql.destroy',
    ['drop'],
    String.raw`${WORD}drop\s{1,8}(?:table|database|schema|keyspace|collection|view|index|user|role)\s{1,8}(?:if\s{1,8}exists\s{1,8})?${IDENT}(?:[ \t]{0,8}(?:\n|$)|\s{0,8}(?:;|,|\)|cascade\b|restrict\b|--|["'\x60]))`,
  ),
  wire(
    'sql.destroy',
    ['truncate'],
    String.raw`${WORD}truncate\s{1,8}(?:table\s{1,8}${IDENT}|[\w."]{1,128}\s{0,4}(?:;|cascade\b))`,
  ),
  wire(
    'sql.destroy',
    ['delete from'],
    String.raw`${WORD}delete from\s{1,8}${IDENT}\s{0,8}(?:;|--|$|where\s{1,8}(?:1\s{0,4}=\s{0,4}1|true)\b)`,
  ),
  wire(
    'sql.destroy',
    ['update'],
    String.raw`${WORD}update\s{1,8}[\w."]{1,128}\s{1,8}set\s{1,8}[^;\n]{1,200}where\s{1,8}(?:1\s{0,4}=\s{0,4}1|true)\b`,
  ),
  wire(
    'sql.destroy',
    ['flushall', 'flushdb', 'dropdatabase'],
    String.raw`(?<![\w])(?:redis-cli${S}[^\n;|]{0,80})?(?:flushall|flushdb)(?:${S}(?:a?sync))?${END}|dropdatabase\(\)`,
  ),
  wire(
    'sql.shell',
    ['xp_cmdshell', 'into outfile', 'into dumpfile', 'load_file', 'copy'],
    String.raw`(?:xp_cmdshell\b[\s'"]|into\s{1,8}(?:out|dump)file\s{1,8}['"]|load_file\s{0,4}\(\s{0,4}['"]/|copy\s{1,8}[\w."()]{1,80}\s{1,8}(?:from|to)\s{1,8}program\s{1,8}['"])`,
  ),

  // clouds and clusters
  wire(
    'cloud.destroy',
    ['kubectl', 'oc'],
    String.raw`${WORD}(?:kubectl|oc)(?:${S}(?:-n|--namespace|--context|--kubeconfig)[= ][ ]{0,4}[\w./-]{1,80}|${S}--?[\w-]{1,32}(?:=[\w./-]{1,80})?){0,6}${S}delete${S}[\w./-]`,
  ),
  wire(
    'cloud.destroy',
    ['terraform', 'tofu', 'pulumi'],
    String.raw`${WORD}(?:terraform|tofu|pulumi)(?:${S}-[\w=./-]{1,64}){0,4}${S}(?:destroy\b(?!\w)|apply${S}-destroy)`,
  ),
  wire(
    'cloud.destroy',
    ['helm'],
    String.raw`${WORD}helm(?:${S}-{1,2}[\w-]{1,24}(?:[= ][\w./-]{1,64})?){0,4}${S}(?:uninstall|delete)${S}[\w.-]`,
  ),
  wire(
    'cloud.destroy',
    ['aws'],
    String.raw`${WORD}aws(?:${S}--[\w-]{1,24}(?:[= ][\w./-]{1,64})?){0,4}${S}(?:s3${S}(?:rb${S}|rm${S}[^\n;|]{1,160}--recursive)|[\w-]{2,24}${S}(?:terminate|delete|deregister|destroy|schedule-key-deletion)-?[\w-]{1,48})`,
  ),
  wire(
    'cloud.destroy',
    ['gcloud', 'gsutil', 'az', 'doctl', 'flyctl', 'fly'],
    String.raw`${WORD}(?:gcloud(?:${S}[\w-]{1,32}){1,5}${S}delete${S}|gsutil${S}(?:-m${S})?rm${S}-r|az(?:${S}[\w-]{1,32}){1,4}${S}delete${S}-|doctl(?:${S}[\w-]{1,32}){1,4}${S}(?:delete|rm)${S}|fly(?:ctl)?${S}(?:apps${S})?destroy${S})`,
  ),
  wire(
    'cloud.destroy',
    ['docker', 'podman'],
    String.raw`${WORD}(?:docker|podman)${S}(?:system${S}prune${S}-{1,2}a|(?:rm|rmi|kill|volume${S}rm)(?:${S}-\w{1,4}){0,2}${S}["']?\$\((?:docker|podman))`,
  ),
  wire(
    'cloud.metadata',
    [
      '169.254.169.254',
      '169.254.170.2',
      '100.100.100.200',
      '192.0.0.192',
      'fd00:ec2::254',
      '2852039166',
      '0xa9fea9fe',
      '0xa9.0xfe',
      '0251.0376',
      'metadata.google.internal',
      'metadata.tencentyun.com',
    ],
    String.raw`(?<![\d.])(?:169\.254\.(?:169\.254|170\.2)|100\.100\.100\.200|192\.0\.0\.192|fd00:ec2::254|2852039166|0xa9fea9fe|0xa9\.0xfe\.0xa9\.0xfe|0251\.0376\.0251\.0376|metadata\.google\.internal|metadata\.tencentyun\.com)(?![\d.]{0,16}\d)`,
  ),

  // what gives secrets away, stays, or blinds those who watch
  wire(
    'secrets.read',
    [
      'cat',
      'less',
      'more',
      'head',
      'tail',
      'cp',
      'scp',
      'base64',
      'type',
      'strings',
      'xxd',
      'tar',
      '@/etc/',
      '@~',
      '@$home',
      '@/root',
      '@/home',
      '@/proc/',
      '@/var/',
    ],
    String.raw`(?:(?<![\w.$-])(?:cat|less|more|head|tail|cp|scp|base64|type|strings|xxd|tar)(?:${S}[^\s;|&]{1,64}){0,4}?${S}|@)["']?(?:/etc/(?:shadow|gshadow|sudoers|passwd)\b|(?:~|\$\{?HOME\}?|/root|/home/[\w.-]{1,32})/\.(?:ssh/(?:id_\w{1,16}|authorized_keys)|aws/credentials|kube/config|docker/config\.json|netrc|npmrc|pgpass|git-credentials|gnupg|config/gcloud)|/proc/(?:self|1|\d{1,7})/environ|/var/run/secrets/kubernetes\.io)`,
  ),
  wire(
    'secrets.send',
    ['env', 'printenv', 'set', 'cat'],
    String.raw`${WORD}(?:(?:print)?env|set|cat${S}[\w./~${'$'}{}-]{0,64}(?:\.env|id_\w{1,16}|credentials|shadow|\.pem|\.key))[ \t]{0,4}\|[^\n|]{0,80}(?:\|[^\n|]{0,80})?\b(?:curl|wget|nc|ncat|netcat|telnet)\b`,
  ),
  wire(
    'secrets.dump',
    ['mimikatz', 'sekurlsa', 'lsadump', 'procdump', 'secretsdump'],
    String.raw`(?<![\w-])(?:sekurlsa::\w|lsadump::\w|mimikatz(?:\.exe)?["' ]{1,4}["']?\w{1,20}::|procdump(?:64)?(?:\.exe)?${S}[^\n]{0,40}lsass|secretsdump\.py${S}\S)`,
  ),
  wire(
    'system.persist',
    ['>>', '| tee', '|tee', 'crontab'],
    String.raw`(?:(?:>>|\|[ \t]{0,4}tee(?:${S}-a)?)[ \t]{0,8}["']?(?:/etc/(?:sudoers|crontab|cron\.\w{1,8}/|rc\.local|ld\.so\.preload|passwd|shadow)|(?:~|\$\{?HOME\}?|/root|/home/[\w.-]{1,32})/\.ssh/authorized_keys)|crontab${S}-[ \t]{0,4}(?:<|$))`,
  ),
  wire(
    'system.blind',
    [
      'history',
      'unset',
      'iptables',
      'nft',
      'setenforce',
      'ufw',
      'set-mppreference',
      'auditctl',
      'netsh',
      'wevtutil',
      'vssadmin',
      'bcdedit',
    ],
    String.raw`${WORD}(?:history${S}-c\b|unset${S}HISTFILE\b|iptables${S}(?:-t${S}\w{1,10}${S})?(?:-F|--flush)(?=\W|$)|nft${S}flush${S}ruleset|setenforce${S}0\b|ufw${S}(?:--force${S})?(?:disable|reset)\b|set-mppreference${S}[^\n]{0,80}-disable\w{1,40}|auditctl${S}-e${S}0|netsh${S}advfirewall${S}set${S}\w{1,20}${S}state${S}off|wevtutil${S}cl${S}|vssadmin${S}delete${S}shadows|bcdedit${S}/set)`,
  ),
  wire(
    'system.halt',
    ['shutdown', 'kill', 'init', 'systemctl', 'sysctl', 'echo'],
    String.raw`${WORD}(?:shutdown(?:${S}-[a-z]{1,2}){1,3}(?:${S}(?:now|0|\+0|/t))|kill${S}-(?:9|kill|sigkill)${S}-1\b|init${S}[06]${END}|systemctl${S}(?:-f${S}|--force${S}){0,2}(?:poweroff|halt|isolate${S}rescue|stop${S}(?:sshd|auditd|firewalld))|echo${S}["']?[bco]["']?[ ]{0,4}>[ ]{0,4}/proc/sysrq-trigger)`,
  ),
];

const wires = compileWires(COMMAND_WIRES);

/** Ways to write a command that a shell reads and a pattern does not: empty quotes, escaped letters, `$IFS`. */
const EVASION = /''|""|\\[a-z]|\$\{?IFS|\$@|\\\n/i;

const plain = (text: string): string =>
  text
    .replace(/\\\n/g, ' ')
    .replace(/\$\{?IFS(?:%\?\?|[^}\w]{0,8})?\}?(?:\$\d)?/g, ' ')
    .replace(/''|""|\$@|\\(?=[a-z/-])/gi, '');

/** Returns the dangerous commands in a text, each with the place that the text stands at. */
export const findCommands = (text: string, place: string): readonly Trip[] => {
  const trips = wires.scan(text).map((trip) => tripOf(trip, place));
  if (trips.length > 0 || !EVASION.test(text)) return trips;
  // where in the text it stands is not followed through
  return wires.scan(plain(text)).map(({ wire: { kind } }) => ({ kind, place, start: 0, end: text.length }));
};
