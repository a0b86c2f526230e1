// What the test calls: texts go in, and a JSON text comes out, or an exception.
import { Disclosure, unpackSync } from "./vendored/sd-jwt-core/index.mjs";

const hasher = (data) => Uint8Array.from(host.sha256(data));
const meta = { alg: "sha-256", hasher };
const open = (encoded) => Disclosure.fromEncodeSync(encoded, meta);

// disclosure is a disclosure's salt, name and value, and its digest.
export function disclosure(encoded) {
	const d = open(encoded);
	return JSON.stringify({ parts: d.decode(), digest: d.digestSync(meta) });
}

// written is how the library writes the same disclosure itself.
export function written(encoded) {
	return Disclosure.fromArray(open(encoded).decode()).encode();
}

// unpacked is a payload with the fields that disclosures open in place.
export function unpacked(payload, encoded) {
	return JSON.stringify(unpackSync(JSON.parse(payload), JSON.parse(encoded).map(open), hasher).unpackedObj);
}
