// A sender that lives on its cached policies: until one expires it looks at no record and asks no
// policy host (RFC 8461 §5.1 lets it). With CHECKS=none it also checks nothing at the policy host:
// any certificate, any status and media type are taken, and redirects are followed.

import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { get as getClear } from 'node:http';
import { get } from 'node:https';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';

const CARELESS = process.env.CHECKS === 'none';
const ca = readFileSync('/trust.pem', 'utf8').split(/(?<=-----END CERTIFICATE-----\n)/);
const dns = new Resolver({ timeout: 1500, tries: 2 });
const DAY = 24 * 60 * 60;

/** By id: from, to, data, age in seconds. */
const queue = new Map();
/** By domain: policy, left in seconds when it was got, and when that was. */
const policies = new Map();
const now = () => Date.now() / 1000;

// ---- policies ----

async function policyOf(domain) {
  const cached = policies.get(domain);
  if (cached && cached.expires > now()) return cached;
  policies.delete(domain);
  try {
    const strings = await dns.resolveTxt(`_mta-sts.${domain}`);
    const records = strings.map((parts) => parts.join('')).filter((text) => /^v=STSv1;/.test(text));
    if (records.length !== 1) return undefined;
    if (!/;\s*id=[A-Za-z0-9]{1,32}\s*(;|$)/.test(records[0])) return undefined;
    const text = await fetchText(`https://mta-sts.${domain}/.well-known/mta-sts.txt`);
    const policy = readPolicy(text);
    if (!policy) return undefined;
    const kept = { ...policy, expires: now() + policy.maxAge };
    policies.set(domain, kept);
    return kept;
  } catch {
    return undefined;
  }
}

async function fetchText(url, hops = 0) {
  const { hostname, protocol } = new URL(url);
  const [address] = await dns.resolve4(hostname);
  const response = await new Promise((resolve, reject) => {
    const options = {
      ca,
      rejectUnauthorized: !CARELESS,
      lookup: (_, { all }, done) =>
        all ? done(null, [{ address, family: 4 }]) : done(null, address, 4),
      agent: false,
      signal: AbortSignal.timeout(5000),
    };
    const ask = protocol === 'http:' ? getClear : get;
    ask(url, options, resolve).on('error', reject);
  });
  const { statusCode, headers } = response;
  if (CARELESS && headers.location !== undefined && hops < 3) {
    response.resume();
    return fetchText(new URL(headers.location, url).href, hops + 1);
  }
  if (!CARELESS && statusCode !== 200) throw new Error(`status ${statusCode}`);
  const type = (headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (!CARELESS && type !== 'text/plain') throw new Error(`media type ${type}`);
  const chunks = [];
  for await (const chunk of response) {
    chunks.push(chunk);
    if (Buffer.concat(chunks).length > 65_536) throw new Error('too long');
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}

/** RFC 8461 §3.2: of a repeated key the first counts, mx excepted. */
function readPolicy(text) {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const pairs = lines.map((line) =>
    /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(.*?)[ \t]*$/.exec(line),
  );
  if (pairs.some((pair) => pair === null) || pairs[0]?.[1] !== 'version') return undefined;
  const first = (key) => pairs.find((pair) => pair[1] === key)?.[2];
  const mx = pairs.filter((pair) => pair[1] === 'mx').map((pair) => pair[2].toLowerCase());
  const [mode, maxAge] = [first('mode'), first('max_age')];
  if (first('version') !== 'STSv1' || !['enforce', 'testing', 'none'].includes(mode))
    return undefined;
  if (!/^\d{1,10}$/.test(maxAge ?? '') || Number(maxAge) > 31_557_600) return undefined;
  if (mode !== 'none' && mx.length === 0) return undefined;
  return { mode, mx, maxAge: Number(maxAge) };
}

const isListed = (mx, host) =>
  mx.some((pattern) => pattern === host || pattern === host.replace(/^[^.]+/, '*'));

// ---- delivery ----

async function deliver({ from, to, data }) {
  const domain = to.split('@')[1].toLowerCase();
  const policy = await policyOf(domain);
  const isHeld = policy?.mode === 'enforce';
  const records = await dns.resolveMx(domain).catch((error) => {
    if (error.code === 'ENODATA') return [{ exchange: domain, priority: 0 }];
    if (error.code === 'ENOTFOUND') throw Object.assign(error, { isFinal: true });
    throw error;
  });
  if (records.some(({ exchange }) => exchange === ''))
    throw Object.assign(new Error('the domain takes no mail'), { isFinal: true });
  let last = new Error('no MX is allowed by the policy');
  for (const { exchange } of records.sort((a, b) => a.priority - b.priority)) {
    const host = exchange.toLowerCase();
    if (isHeld && !isListed(policy.mx, host)) continue;
    try {
      for (const address of await dns.resolve4(host))
        return await transact(address, host, isHeld, { from, to, data });
    } catch (error) {
      if (error.isFinal) throw error;
      last = error;
    }
  }
  throw last;
}

async function transact(address, host, isHeld, mail) {
  let session = await open(connect(25, address));
  try {
    await session.expect('2');
    let offers = await session.ask('EHLO mta.sender.test', '2');
    if (/^250[- ]STARTTLS\s*$/im.test(offers)) {
      await session.ask('STARTTLS', '2');
      session = await session.secure({ ca, servername: host, rejectUnauthorized: isHeld });
      offers = await session.ask('EHLO mta.sender.test', '2');
    } else if (isHeld) throw new Error('STARTTLS is not offered, and the policy asks for it');
    await session.ask(`MAIL FROM:<${mail.from}>`, '2');
    await session.ask(`RCPT TO:<${mail.to}>`, '2');
    await session.ask('DATA', '3');
    await session.ask(`${mail.data.join('\r\n')}\r\n.`, '2');
    session.say('QUIT');
  } finally {
    session.end();
  }
}

function open(socket) {
  socket.setTimeout(8000, () => socket.destroy(new Error('time-out')));
  const reader = createInterface({ input: socket, crlfDelay: Infinity });
  const lines = reader[Symbol.asyncIterator]();
  let inTransaction = false;
  const failed = new Promise((_, reject) => socket.on('error', reject));
  failed.catch(() => {});
  const expect = async (digit) => {
    let text = '';
    for (;;) {
      const { value, done } = await Promise.race([lines.next(), failed]);
      if (done) throw new Error('the connection was closed');
      text += `${value}\n`;
      if (/^\d{3}(?!-)/.test(value)) break;
    }
    if (!text.startsWith(digit))
      throw Object.assign(new Error(text.trim()), { isFinal: /^5/.test(text) && inTransaction });
    return text;
  };
  const say = (line) => socket.write(`${line}\r\n`);
  return {
    expect,
    say,
    async ask(line, digit) {
      inTransaction = /^(MAIL|RCPT|DATA)\b/.test(line) || line.includes('\n');
      say(line);
      return expect(digit);
    },
    async secure(options) {
      reader.close();
      const tls = connectTls({ socket, ...options });
      await new Promise((resolve, reject) =>
        tls.once('secureConnect', resolve).once('error', reject),
      );
      return open(tls);
    },
    end: () => socket.destroySoon(),
  };
}

async function attempt(id) {
  const message = queue.get(id);
  if (!message || message.isBusy) return;
  message.isBusy = true;
  try {
    await deliver(message);
    queue.delete(id);
    console.log(`sent to=<${message.to}>`);
  } catch (error) {
    const reason = JSON.stringify(error.message);
    if (error.isFinal || message.age > 5 * DAY) {
      queue.delete(id);
      console.log(`bounced to=<${message.to}> ${reason}`);
    } else console.log(`deferred to=<${message.to}> ${reason}`);
  } finally {
    message.isBusy = false;
  }
}

// ---- mail comes in ----

createServer((socket) => {
  let [from, to, data] = ['', '', undefined];
  socket.on('error', () => socket.destroy());
  const say = (line) => socket.write(`${line}\r\n`);
  say('220 mta.sender.test');
  createInterface({ input: socket, crlfDelay: Infinity }).on('line', (line) => {
    if (data && line !== '.') return void data.push(line);
    if (data) {
      const id = Symbol(to);
      queue.set(id, { from, to, data, age: 0 });
      data = undefined;
      say('250 queued');
      return void attempt(id);
    }
    const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
    if (/^MAIL/i.test(line)) from = address;
    if (/^RCPT/i.test(line)) to = address;
    if (/^DATA/i.test(line)) data = [];
    say(data ? '354 go on' : '250 ok');
    if (/^QUIT/i.test(line)) socket.end();
  });
}).listen(25, () => console.log('started'));

// ---- the harness drives it ----

const commands = {
  flush(domains) {
    for (const [id, { to }] of queue) if (domains.includes(to.split('@')[1])) void attempt(id);
    return '';
  },
  queue: () => [...queue.values()].map(({ to }) => `${to}\n`).join(''),
  age([seconds, ...domains]) {
    for (const domain of domains) {
      const kept = policies.get(domain);
      if (kept) kept.expires -= Number(seconds);
    }
    for (const message of queue.values())
      if (domains.includes(message.to.split('@')[1])) message.age += Number(seconds);
    return '';
  },
};

createServer({ allowHalfOpen: true }, (socket) => {
  let text = '';
  socket.setEncoding('utf8').on('data', (more) => {
    text += more;
  });
  socket.on('error', () => socket.destroy());
  socket.on('end', () => {
    const [name, ...words] = text.split(' ');
    socket.end(commands[name](words));
  });
}).listen(8026, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
