import { writeFileSync, readFileSync } from 'node:fs';
import { farm } from './farm.ts';
import { shippedScenarios } from './try.ts';
const ids = (await shippedScenarios()).map(({ id }) => id);
const open = readFileSync('/tmp/open.txt','utf8').trim().split('\n');
const want: Record<string, RegExp> = {
  'keeps-to-cache': /^(cache\/(poisoned|aged|after|expiry|what|a-fetch|capitals|opt)|policy-syntax\/(invalid-at-first|no-utf|duplicate-keys-at)|discovery\/(repeated|malformed)|modes|certificates\/accepted|policy-host\/(accepted|right-name))/,
  'wants-tls': /^(discovery|cache\/(record|fetch|poisoned|aged|restart|a-fetch|expiry|after)|policy-syntax\/(shapes|duplicate|invalid-at-first|no-utf)|policy-host\/(accepted|right|media)|mx-matching\/(swapped|exact)|queue\/(look|last))/,
  'fetches-beside': /^(cache\/(record|fetch|new|poisoned|aged)|discovery\/(look|no-record|repeated)|mx-matching|modes|policy-syntax\/(shapes|no-utf)|policy-host\/(unreach|status|never))/,
  'no-dsn': /^(queue|starttls\/(next|worse|strip))/,
  'gives-up-without-ehlo': /^starttls\/ehlo/,
};
const orders = open.map((traits) => ({ traits, scenarios: ids.filter((id) => want[traits.split('+')[1] ?? '']?.test(id)) })).filter((o) => o.scenarios.length);
console.log(orders.length, orders.reduce((n, o) => n + o.scenarios.length, 0));
const all: unknown[] = [];
await farm(orders, (done, some) => { all.push(...some); writeFileSync('/tmp/open-results.json', JSON.stringify(all)); console.log(done); });
