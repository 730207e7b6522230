/**
 * The ClientHello, as far as the lab reads it by itself (RFC 8446 §4.1.2, §5.1; RFC 6066 §3): that
 * it is one, whether it is all there, and which host name it asks for. Node tells the name to a
 * callback only, which is silent when a session is resumed.
 */

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_HEADER_BYTES = 4;
const SERVER_NAME = 0;
const HOST_NAME = 0;

export type Hello =
  /** More has to come. */
  | { readonly kind: 'partial' }
  /** No TLS at all. */
  | { readonly kind: 'none' }
  /** `servername` is empty where none was sent. */
  | { readonly kind: 'whole'; readonly servername: string };

/** Reads what a client has sent first. Whatever it is, it throws nothing. */
export function readClientHello(bytes: Buffer): Hello {
  if (bytes.length === 0) return { kind: 'partial' };
  if (!isRecord(bytes)) return { kind: 'none' };
  const { message, isWhole } = joinFragments(bytes);
  const length = message.length < HANDSHAKE_HEADER_BYTES ? undefined : message.readUIntBE(1, 3);
  if (length === undefined || message.length < HANDSHAKE_HEADER_BYTES + length)
    return isWhole ? { kind: 'whole', servername: '' } : { kind: 'partial' };
  if (message[0] !== CLIENT_HELLO) return { kind: 'none' };
  const body = message.subarray(HANDSHAKE_HEADER_BYTES, HANDSHAKE_HEADER_BYTES + length);
  return { kind: 'whole', servername: servernameIn(body) };
}

/** The first byte is that of a TLS record, and the version one that there is. */
export function isRecord(bytes: Buffer): boolean {
  const type = bytes[0] ?? 0;
  return type >= 20 && type <= 24 && (bytes[1] ?? 3) === 3;
}

/**
 * Bytes of the record at the start, its header included; undefined: the header is not all there.
 */
export function recordLength(bytes: Buffer): number | undefined {
  return bytes.length < RECORD_HEADER_BYTES
    ? undefined
    : RECORD_HEADER_BYTES + bytes.readUInt16BE(3);
}

/**
 * A handshake message can lie in several records. `isWhole`: something else follows, so that no
 * more of it will come.
 */
function joinFragments(bytes: Buffer): { message: Buffer; isWhole: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const record = bytes.subarray(at);
    const length = recordLength(record);
    if (record.length > 0 && record[0] !== HANDSHAKE)
      return { message: Buffer.concat(parts), isWhole: true };
    if (length === undefined || record.length < length) break;
    parts.push(record.subarray(RECORD_HEADER_BYTES, length));
    at += length;
  }
  return { message: Buffer.concat(parts), isWhole: false };
}

/** RFC 8446 §4.1.2: version, random, session id, cipher suites, compression methods, extensions. */
function servernameIn(body: Buffer): string {
  try {
    let at = 2 + 32;
    at += 1 + body.readUInt8(at);
    at += 2 + body.readUInt16BE(at);
    at += 1 + body.readUInt8(at);
    const end = at + 2 + body.readUInt16BE(at);
    at += 2;
    while (at < end) {
      const type = body.readUInt16BE(at);
      const length = body.readUInt16BE(at + 2);
      if (type === SERVER_NAME) return hostNameIn(body.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
  } catch (error) {
    // It ends before its lengths do, or has no extensions.
    if (!(error instanceof RangeError)) throw error;
  }
  return '';
}

function hostNameIn(list: Buffer): string {
  let at = 2;
  while (at < list.length) {
    const length = list.readUInt16BE(at + 1);
    if (list[at] === HOST_NAME) return list.subarray(at + 3, at + 3 + length).toString('latin1');
    at += 3 + length;
  }
  return '';
}
