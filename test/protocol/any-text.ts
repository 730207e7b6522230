/**
 * Texts as hostile as a network can make them, half of it ASCII, lone surrogates and controls
 * included.
 */

import fc from 'fast-check';

const unit = fc.oneof(fc.nat(0x7f), fc.nat(0xffff)).map((code) => String.fromCharCode(code));

export const anyText = fc.string({ unit });
