/**
 * A tar archive (POSIX.1-1988, ustar), of plain files only. Of the machine that made it nothing goes
 * in: no owner, no time, and the same files give the same bytes.
 */

export interface ArchivedFile {
  /** With slashes, at most 100 bytes. */
  readonly name: string;
  readonly content: Uint8Array;
}

const BLOCK = 512;

/** The bytes of the archive. Throws RangeError for a name that is too long or a file over 8 GiB. */
export function tarOf(files: readonly ArchivedFile[]): Buffer {
  const parts = files.flatMap(({ name, content }) => [
    header(name, content.length),
    content,
    Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 100)
    throw new RangeError(`${name}: too long a name for an archive`);
  if (size >= 8 ** 11) throw new RangeError(`${name}: too large for an archive`);
  const block = Buffer.alloc(BLOCK);
  const put = (text: string, at: number) => block.write(text, at, 'utf8');
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  put(name, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(size, 11), 124);
  put(octal(0, 11), 136);
  // The checksum is that of the header with blanks in its own place.
  put(' '.repeat(8), 148);
  put('0', 156);
  put('ustar\0' + '00', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
}
