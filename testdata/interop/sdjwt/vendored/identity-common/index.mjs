//#region src/identity-exception.ts
/**
* IdentityException is the base error class for all identity-common-ts packages.
*
* Package-specific exception classes should extend this class.
*/
var IdentityException = class IdentityException extends Error {
	constructor(message, details) {
		super(message);
		Object.setPrototypeOf(this, IdentityException.prototype);
		this.name = "IdentityException";
		this.details = details;
	}
	getFullMessage() {
		return `${this.name}: ${this.message} ${this.details ? `- ${JSON.stringify(this.details)}` : ""}`;
	}
};
//#endregion
//#region src/identity-common-exception.ts
/**
* IdentityCommonException is a custom error class for identity-common-related exceptions.
*/
var IdentityCommonException = class IdentityCommonException extends IdentityException {
	constructor(message, details) {
		super(message, details);
		Object.setPrototypeOf(this, IdentityCommonException.prototype);
		this.name = "IdentityCommonException";
	}
};
//#endregion
//#region src/base64url.ts
const BASE64_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const bytesToBase64 = (bytes) => {
	let result = "";
	let i;
	for (i = 0; i < bytes.length - 2; i += 3) {
		const chunk = bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2];
		result += BASE64_CHARS[chunk >> 18 & 63];
		result += BASE64_CHARS[chunk >> 12 & 63];
		result += BASE64_CHARS[chunk >> 6 & 63];
		result += BASE64_CHARS[chunk & 63];
	}
	if (i < bytes.length) {
		const chunk = bytes[i] << 16 | (i + 1 < bytes.length ? bytes[i + 1] << 8 : 0);
		result += BASE64_CHARS[chunk >> 18 & 63];
		result += BASE64_CHARS[chunk >> 12 & 63];
		result += i + 1 < bytes.length ? BASE64_CHARS[chunk >> 6 & 63] : "=";
		result += "=";
	}
	return result;
};
const base64ToBytes = (base64) => {
	if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new IdentityCommonException("Invalid base64 string: contains invalid characters");
	const cleanBase64 = base64.replace(/=/g, "");
	const length = cleanBase64.length;
	const bytes = new Uint8Array(length * 3 >> 2);
	let byteIndex = 0;
	for (let i = 0; i < length; i += 4) {
		const a = BASE64_CHARS.indexOf(cleanBase64[i]);
		const b = BASE64_CHARS.indexOf(cleanBase64[i + 1]);
		const c = i + 2 < length ? BASE64_CHARS.indexOf(cleanBase64[i + 2]) : 0;
		const d = i + 3 < length ? BASE64_CHARS.indexOf(cleanBase64[i + 3]) : 0;
		bytes[byteIndex++] = a << 2 | b >> 4;
		if (i + 2 < length) bytes[byteIndex++] = (b & 15) << 4 | c >> 2;
		if (i + 3 < length) bytes[byteIndex++] = (c & 3) << 6 | d;
	}
	return bytes;
};
const bytesToBase64Url = (bytes) => {
	return bytesToBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
};
const base64UrlToBytes = (base64url) => {
	if (!/^[A-Za-z0-9_-]*$/.test(base64url)) throw new IdentityCommonException("Invalid base64url string: contains invalid characters");
	let base64 = base64url.replace(/-/g, "+").replace(/_/g, "/");
	while (base64.length % 4) base64 += "=";
	return base64ToBytes(base64);
};
const stringToBytes = (str) => {
	const bytes = [];
	for (let i = 0; i < str.length; i++) {
		let codePoint = str.charCodeAt(i);
		if (codePoint >= 55296 && codePoint <= 56319 && i + 1 < str.length) {
			const low = str.charCodeAt(i + 1);
			if (low >= 56320 && low <= 57343) {
				codePoint = 65536 + (codePoint - 55296 << 10) + (low - 56320);
				i++;
			}
		}
		if (codePoint < 128) bytes.push(codePoint);
		else if (codePoint < 2048) {
			bytes.push(192 | codePoint >> 6);
			bytes.push(128 | codePoint & 63);
		} else if (codePoint < 65536) {
			bytes.push(224 | codePoint >> 12);
			bytes.push(128 | codePoint >> 6 & 63);
			bytes.push(128 | codePoint & 63);
		} else {
			bytes.push(240 | codePoint >> 18);
			bytes.push(128 | codePoint >> 12 & 63);
			bytes.push(128 | codePoint >> 6 & 63);
			bytes.push(128 | codePoint & 63);
		}
	}
	return new Uint8Array(bytes);
};
const bytesToString = (bytes) => {
	let result = "";
	let i = 0;
	while (i < bytes.length) {
		const byte1 = bytes[i++];
		if (byte1 < 128) result += String.fromCharCode(byte1);
		else if (byte1 < 224) {
			const byte2 = bytes[i++];
			result += String.fromCharCode((byte1 & 31) << 6 | byte2 & 63);
		} else if (byte1 < 240) {
			const byte2 = bytes[i++];
			const byte3 = bytes[i++];
			result += String.fromCharCode((byte1 & 15) << 12 | (byte2 & 63) << 6 | byte3 & 63);
		} else {
			const byte2 = bytes[i++];
			const byte3 = bytes[i++];
			const byte4 = bytes[i++];
			const codePoint = (byte1 & 7) << 18 | (byte2 & 63) << 12 | (byte3 & 63) << 6 | byte4 & 63;
			const surrogate1 = 55296 + (codePoint - 65536 >> 10);
			const surrogate2 = 56320 + (codePoint - 65536 & 1023);
			result += String.fromCharCode(surrogate1, surrogate2);
		}
	}
	return result;
};
const concatBytes = (...byteArrays) => {
	const result = new Uint8Array(byteArrays.reduce((n, a) => n + a.byteLength, 0));
	let offset = 0;
	for (const entry of byteArrays) {
		result.set(entry, offset);
		offset += entry.byteLength;
	}
	return result;
};
const compareBytes = (lhs, rhs) => {
	if (lhs === rhs) return true;
	if (lhs.byteLength !== rhs.byteLength) return false;
	return lhs.every((b, i) => b === rhs[i]);
};
const base64urlEncode = (input) => bytesToBase64Url(stringToBytes(input));
const base64urlDecode = (input) => bytesToString(base64UrlToBytes(input));
const uint8ArrayToBase64Url = bytesToBase64Url;
const base64UrlToUint8Array = base64UrlToBytes;
const base64 = {
	encode: bytesToBase64,
	decode: base64ToBytes
};
const base64url = {
	encode: bytesToBase64Url,
	decode: base64UrlToBytes
};
//#endregion
//#region src/decode-jwt.ts
const decodeJwt = (jwt) => {
	const { 0: header, 1: payload, 2: signature, length } = jwt.split(".");
	if (length !== 3) throw new IdentityCommonException("Invalid JWT as input");
	return {
		header: JSON.parse(base64urlDecode(header)),
		payload: JSON.parse(base64urlDecode(payload)),
		signature
	};
};
//#endregion
//#region src/types.ts
const IANA_HASH_ALGORITHMS = [
	"sha-256",
	"sha-256-128",
	"sha-256-120",
	"sha-256-96",
	"sha-256-64",
	"sha-256-32",
	"sha-384",
	"sha-512",
	"sha3-224",
	"sha3-256",
	"sha3-384",
	"sha3-512",
	"blake2s-256",
	"blake2b-256",
	"blake2b-512",
	"k12-256",
	"k12-512"
];
//#endregion
export { IANA_HASH_ALGORITHMS, IdentityCommonException, IdentityException, base64, base64UrlToUint8Array, base64url, base64urlDecode, base64urlEncode, bytesToString, compareBytes, concatBytes, decodeJwt, stringToBytes, uint8ArrayToBase64Url };

//# sourceMappingURL=index.mjs.map