// What hashes and signatures are used for: labels, tags, commitments.

import { type Bytes, integer, littleEndian, need, refuse } from "./bytes.ts";
import { d, hmac, order, p, sha256, sha512 } from "./primitives.ts";

function power(base: bigint, exponent: bigint): bigint {
  let out = 1n;
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) out = out * base % p;
    base = base * base % p;
  }
  return out;
}

const root = power(2n, (p - 1n) / 4n); // of -1

/** Says whether b is an element of ristretto255, in the one form it has (RFC 9496, 4.3.1). */
export function isElement(b: Bytes): boolean {
  const s = littleEndian(b);
  if (b.length != 32 || s >= p || s & 1n) return false;
  const square = s * s % p, u1 = (1n - square + p) % p, u2 = 1n + square, u2u2 = u2 * u2 % p;
  const v = (2n * p - d * u1 % p * u1 % p - u2u2) % p;
  // The inverse square root of v·u2²: 1/√x = x^((p-5)/8) · x³ … up to a root of -1.
  const x = v * u2u2 % p, x3 = x * x % p * x % p;
  let inverse = x3 * power(x3 * x3 % p * x % p, (p - 5n) / 8n) % p;
  const check = x * inverse % p * inverse % p;
  if (check == p - 1n) inverse = inverse * root % p;
  else if (check != 1n) return false;
  const across = inverse * u2 % p, up = inverse * across % p * v % p;
  const twice = 2n * s * across % p, positive = twice & 1n ? p - twice : twice, y = u1 * up % p;
  return y != 0n && (positive * y % p & 1n) == 0n;
}

/** How long a VRF proof is (C2SP vrf-r255): Gamma, 16 bytes of challenge, a scalar. */
export const labelProofSize = 80;

/**
 * The label that a VRF proof is of: its output, the hash of Gamma. That it is the
 * label of somebody is not checked, which needs her identifier.
 */
export function labelOf(proof: Bytes): Bytes {
  need(proof.length == labelProofSize, `a label's proof has ${labelProofSize} bytes`);
  const gamma = proof.slice(0, 32);
  if (!isElement(gamma) || littleEndian(proof.slice(48)) >= order) refuse("a label's proof is malformed");
  return sha512("\xffc2sp.org/vrf-r255\x03" + gamma + "\x00");
}

// What follows from the root key of a trail.

/** k_i: HMAC-SHA256(K, "daybook/event" ‖ u64 i). */
export function eventKey(root: Bytes, i: number): Bytes {
  return hmac(root, "daybook/event" + integer(i, 8));
}

/** The tag that an event key makes: HMAC-SHA256(k_i, "tag")[:16]. */
export function tagOf(key: Bytes): Bytes {
  return hmac(key, "tag").slice(0, 16);
}

/** What binds a label to a root key: SHA-256("daybook/commitment@1\n" ‖ label ‖ K). */
export function commitment(label: Bytes, root: Bytes): Bytes {
  return sha256("daybook/commitment@1\n" + label + root);
}
