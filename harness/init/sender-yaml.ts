/**
 * A shipped `sender.yaml` made somebody's own. The text is changed in place (the yaml library's
 * document model), so that comments, order and quotes stay.
 */

import { type Document, isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';
import type { SetUp } from './dockerfile.ts';

export interface OwnSender {
  readonly name: string;
  /** Of which image; undefined: it is built from the Dockerfile beside the sender.yaml. */
  readonly from?: {
    readonly image: string;
    /** The shipped sender whose set-up it gets. */
    readonly like: string;
    readonly setUp: SetUp;
  };
}

const HEAD =
  ' The contract: how this mail server is started, fed and watched. Every key is explained in\n' +
  ' docker/README.md of Holdfast; "holdfast lint" checks it, "holdfast doctor" proves it.';
const FILES =
  ' Put into the container before it starts: the lab set-up of LIKE. Leave out what the image\n' +
  ' brings of its own, here and in command.';

/** The text of the sender's own contract. */
export function ownSenderYaml(shipped: string, { name, from }: OwnSender): string {
  const document = parseDocument(shipped, { version: '1.2' });
  const map = document.contents as YAMLMap<unknown, unknown>;
  document.commentBefore = [HEAD, document.commentBefore].filter(Boolean).join('\n');
  document.set('name', name);
  if (from === undefined) document.setIn(['build', 'context'], '.');
  else {
    document.set('summary', `${from.image}, set up as ${from.like}`);
    const place = map.items.findIndex(({ key }) => nameOf(key) === 'build');
    map.items.splice(place, 1, ...imagePairs(document, from));
  }
  return document.toString({ lineWidth: 0 });
}

function imagePairs(document: Document, { image, like, setUp }: NonNullable<OwnSender['from']>) {
  const { files, commands, start } = setUp;
  const pairs: Pair[] = [document.createPair('image', image)];
  if (Object.keys(files).length > 0) pairs.push(document.createPair('files', files));
  pairs.push(
    document.createPair(
      'command',
      commands.length === 0
        ? start
        : ['sh', '-ec', [...commands, `exec ${start.join(' ')}`].join('\n')],
    ),
  );
  const told = pairs.find(({ key }) => nameOf(key) === 'files');
  if (told && isScalar(told.key)) told.key.commentBefore = FILES.replace('LIKE', like);
  for (const { value } of pairs) if (isMap(value)) value.flow = false;
  return pairs;
}

const nameOf = (key: unknown) => (isScalar(key) ? key.value : key);
