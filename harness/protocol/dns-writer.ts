/**
 * A writer to give to dns2 where it encodes. Its own keeps a message as an array of bits, and goes
 * through all of them again for each record; nearly all of a message is whole bytes (RFC 1035 §4.1).
 */

const FEW_BYTES = 512;

/**
 * Where names stand that may be pointed to. dns2 looks them up in lower case, and makes one of two
 * octets beyond ASCII where they would be letters in Latin-1: such names are written out.
 */
class AsciiNames extends Map<string, number> {
  override set(name: string, offset: number): this {
    return /^[\0-\x7f]*$/.test(name) ? super.set(name, offset) : this;
  }
}

export class DnsWriter {
  #bytes = Buffer.alloc(FEW_BYTES);
  #bits = 0;
  #names?: AsciiNames;

  /** dns2 sets it for a whole message, and compresses names (RFC 1035 §4.1.4) where it is set. */
  get names(): Map<string, number> | undefined {
    return this.#names;
  }

  set names(_) {
    this.#names = new AsciiNames();
  }

  /** The lowest `size` bits of a number. */
  write(value: number, size: number): void {
    this.#makeRoom(size);
    this.patch(this.#bits, value, size);
    this.#bits += size;
  }

  /** What a writer of dns2 holds: bits. */
  writeBuffer({ buffer }: { readonly buffer: readonly number[] }): void {
    for (const bit of buffer) this.write(bit, 1);
  }

  bitLength(): number {
    return this.#bits;
  }

  byteLength(): number {
    return this.#bits / 8;
  }

  patch(at: number, value: number, size: number): void {
    const isWhole = at % 8 === 0 && size % 8 === 0;
    const step = isWhole ? 8 : 1;
    for (let done = 0; done < size; done += step) {
      const part = value >>> (size - done - step);
      const byte = (at + done) >>> 3;
      if (isWhole) this.#bytes[byte] = part;
      else this.#bytes[byte]! |= (part & 1) << (7 - ((at + done) & 7));
    }
  }

  /** Valid until more is written. */
  toBuffer(): Buffer {
    return this.#bytes.subarray(0, Math.ceil(this.#bits / 8));
  }

  #makeRoom(size: number): void {
    const needed = Math.ceil((this.#bits + size) / 8);
    if (needed <= this.#bytes.length) return;
    this.#bytes = Buffer.concat([this.#bytes], Math.max(needed, 2 * this.#bytes.length));
  }
}
