/**
 * How a stranger sees it again: with Holdfast, and by hand, in a lab that stays up, with common
 * tools. In the lines for a shell stands nothing but what Holdfast made, and names that are no more
 * than names.
 */

import { POLICY_HOST, POLICY_PATH, SENDER_DOMAIN, VICTIM } from '../model/plan.ts';
import type { Scenario } from '../model/scenario.ts';
import type { Finding } from '../model/verdict.ts';
import { markdownBlock, markdownCode, markdownText } from '../protocol/markdown.ts';
import type { Bug } from './bug-text.ts';
import { stepText } from './explain.ts';
import { stagesToShow } from './lab.ts';
import { inLabLines, YOUR_PART } from './lab-text.ts';

/** What stands for the scenario on the command line. */
function wordFor({ trial: { scenario }, isShipped, bundle }: Bug): string {
  if (isShipped.scenario) return scenario.id;
  return bundle?.source === undefined ? scenario.file : `./${bundle.name}/${bundle.source}`;
}

/** Markdown, a paragraph each. */
export function withHoldfast(bug: Bug): string[] {
  const { trial, isShipped, bundle, versions } = bug;
  const what = wordFor(bug);
  const who = isShipped.sender ? trial.sender.name : 'PATH';
  return [
    `In a checkout of Holdfast ${versions.holdfast} (\`npm install\` once${isShipped.sender ? '' : '; PATH is the folder of the `sender.yaml` of this server'}${bundle ? '), with the archive in it' : ')'}:`,
    shell([
      ...(bundle === undefined ? [] : [`tar xzf ${word(`${bundle.name}.tar.gz`)}`]),
      `npm run -s holdfast -- explain ${word(what)}`,
      `npm run -s holdfast -- run ${word(what)} --sender ${word(who)} --keep evidence`,
      ...(bundle === undefined ? [] : [`npm run -s holdfast -- judge ${word(`./${bundle.name}`)}`]),
    ]),
    ...(bundle === undefined
      ? []
      : ['The last line judges the attached evidence again, without a lab.']),
  ];
}

/** Markdown, a paragraph each. */
export function byHand(bug: Bug, finding: Finding): string[] {
  const { scenario } = bug.trial;
  const steps = stagesToShow(scenario).slice(0, -1).length;
  const presses = stagesToShow(scenario).findIndex(({ index }) => index === finding.step);
  return [
    `A lab that stays up goes through the same steps, one with each Enter${steps > 0 && presses > 0 ? ` (here: ${presses})` : ''}. It prints the address of its name server, the file with its authorities, its network, and the domain:`,
    shell([`npm run -s holdfast -- lab ${word(wordFor(bug))} --docker`]),
    'With these four in another terminal, what any client in that network sees:',
    shell(tools(scenario, finding)),
    'And the server itself: let it ask that name server and trust those authorities, and then',
    scenario.stages
      .slice(0, finding.step + 1)
      .map(
        ({ step }, index) =>
          `${index + 1}. ${markdownText(YOUR_PART[step.kind])}. (${markdownText(stepText(step).replace(/:$/, '.'), 600)})`,
      )
      .join('\n'),
    `Mail goes from anybody${'@'}${SENDER_DOMAIN} to anybody${'@'}${VICTIM}, both with the label of the lab before \`.test\`; without Docker, ${markdownCode('--docker')} and ${markdownCode('in_lab')} are left out, and the lab prints these lines with the ports of 127.0.0.1.`,
  ];
}

const NAME = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?\.test$/i;

/** Each name with the label of a lab: `mx1.victim.test` → `mx1.victim.$LAB`. */
const named = (name: string) => name.replace(/\.test$/i, '.$LAB');

function tools(scenario: Scenario, finding: Finding): string[] {
  const shown = stagesToShow(scenario);
  const { plan } = shown.find(({ index }) => index === finding.step) ?? shown[0]!;
  const dig = 'in_lab dig @$DNS';
  const at = (host: string) => `$(${dig} +short ${named(host)} A | tail -1)`;
  const exchanges = [
    ...new Set(
      plan.dns.records.flatMap((record) =>
        record.type === 'MX' && record.name === VICTIM && NAME.test(record.exchange)
          ? [record.exchange]
          : [],
      ),
    ),
  ].slice(0, 3);
  return [
    'DNS=…  CA=…  NETWORK=…  DOMAIN=…    # as the lab prints them',
    ...inLabLines('$NETWORK', '$CA'),
    `LAB=\${DOMAIN#victim.}`,
    `${dig} $DOMAIN MX`,
    `${dig} ${named(`_mta-sts.${VICTIM}`)} TXT`,
    `in_lab curl -i --cacert $CA --resolve ${named(POLICY_HOST)}:443:${at(POLICY_HOST)} https://${named(POLICY_HOST)}${POLICY_PATH}`,
    ...exchanges.flatMap((host) => [
      `in_lab openssl s_client -starttls smtp -connect ${at(host)}:25 -servername ${named(host)} -verify_hostname ${named(host)} -verify_return_error -CAfile $CA`,
      `in_lab swaks --server ${at(host)} --from me@${named(SENDER_DOMAIN)} --to you@$DOMAIN --tls --tls-verify --tls-ca-path $CA --tls-sni ${named(host)}`,
    ]),
  ];
}

const shell = (lines: readonly string[]) => markdownBlock(lines.join('\n'), 'sh');

/** A word of a POSIX shell. */
function word(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
