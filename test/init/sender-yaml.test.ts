import { expect, it } from 'vitest';
import { ownSenderYaml } from '../../harness/init/sender-yaml.ts';

const SHIPPED = `# About the server.
name: chasquid
summary: chasquid 1.15
build: { context: ../other, args: { SUITE: trixie } }
hostname: mta.sender.test
log:
  sent: '^to=(?<recipient>\\S+) sent$' # one line
commands:
  # A retry waits for a minute.
  flush: restart
capabilities: [queue]
`;
const setUp = {
  files: { '/start.sh': 'start.sh' },
  commands: ["configure '*/x'"],
  start: ['sh', '/start.sh'],
};

it('built from a folder of its own: comments, order and quotes stay', () => {
  const text = ownSenderYaml(SHIPPED, { name: 'mine' });
  expect(text).toContain('# About the server.');
  expect(text).toContain('name: mine\nsummary: chasquid 1.15\n');
  expect(text).toContain('build: { context: ., args: { SUITE: trixie } }\nhostname:');
  expect(text).toContain("sent: '^to=(?<recipient>\\S+) sent$' # one line");
  expect(text).toContain('  # A retry waits for a minute.\n  flush: restart\n');
});

it('from an image: the set-up is put into the container, and run before the start', () => {
  const text = ownSenderYaml(SHIPPED, {
    name: 'mine',
    from: { image: 'mine:1', like: 'chasquid', setUp },
  });
  expect(text).not.toContain('build:');
  expect(text).toContain('summary: mine:1, set up as chasquid\nimage: mine:1\n');
  expect(text).toMatch(/# Put into the container before it starts: the lab set-up of chasquid\./);
  expect(text).toContain('files:\n  /start.sh: start.sh\n');
  expect(text).toContain("    configure '*/x'\n    exec sh /start.sh\nhostname:");
});

it('without commands to run, what is started stands there by itself', () => {
  const text = ownSenderYaml(SHIPPED, {
    name: 'mine',
    from: { image: 'mine:1', like: 'chasquid', setUp: { ...setUp, commands: [] } },
  });
  expect(text).toContain('command:\n  - sh\n  - /start.sh\nhostname:');
});
