/**
 * A writer to give to dns2 where it encodes. Its own keeps a message as an array of bits, and goes
 * through all of them again for each record; nearly all of a message is whole bytes (RFC 1035 §4.1).
 */

const FEW_BYTES = 512;

export class DnsWriter {
  #bytes = Buffer.alloc(FEW_BYTES);
  #bits = 0;

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
