// Hashes and signatures of byte strings. The hashes and the arithmetic of the curve are
// noble's, which are in the folder beside this file, unmodified.

import { Point } from "./noble/ed25519/index.js";
import { hmac as nobleHMAC } from "./noble/hashes/hmac.js";
import { sha256 as nobleSHA256, sha512 as nobleSHA512 } from "./noble/hashes/sha2.js";
import { type Bytes, fromArray, littleEndian, toArray } from "./bytes.ts";

export function sha256(b: Bytes): Bytes {
  return fromArray(nobleSHA256(toArray(b)));
}

export function sha512(b: Bytes): Bytes {
  return fromArray(nobleSHA512(toArray(b)));
}

/** HMAC-SHA256. */
export function hmac(key: Bytes, message: Bytes): Bytes {
  return fromArray(nobleHMAC(nobleSHA256, toArray(key), toArray(message)));
}

/** The prime of the curve, the order of its base point, and its constant. */
export const { p, n: order, d } = Point.CURVE();

/**
 * Says whether the key signed the message: RFC 8032 without the cofactor, as Go's
 * crypto/ed25519 does it, so that both accept the same signatures and nobody can make
 * one that half of the readers believe. That is [S]B - [k]A, encoded, is R byte for
 * byte, S is below the order, and A any encoding that decodes, even of a point of
 * small order or with a y of p and more. Noble's own verify multiplies by the
 * cofactor, and refuses such keys.
 */
export function signed(key: Bytes, message: Bytes, signature: Bytes): boolean {
  if (key.length != 32 || signature.length != 64) return false;
  const r = signature.slice(0, 32), s = littleEndian(signature.slice(32));
  if (s >= order) return false;
  let a: Point;
  try {
    a = Point.fromBytes(toArray(key), true);
  } catch {
    return false; // no point of the curve
  }
  const k = littleEndian(sha512(r + key + message)) % order;
  const sum = Point.BASE.multiplyUnsafe(s).add(a.negate().multiplyUnsafe(k));
  return fromArray(sum.toBytes()) === r;
}
