// Every call of CryptographyClient with every algorithm of the vault, each
// answer checked by Node.js's own cryptography.
//   node crypto.mjs secret|environment VAULT_URL
import assert from "node:assert/strict";
import { constants, createHash, createPublicKey, privateDecrypt, publicEncrypt, generateKeyPairSync, verify } from "node:crypto";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { credentialOf, refused, report, step } from "./steps.mjs";

const [mode, vaultUrl] = process.argv.slice(2);
const credential = credentialOf(mode);
const keys = new KeyClient(vaultUrl, credential);
const text = Buffer.from("what is signed here");
const b64u = (bytes) => Buffer.from(bytes).toString("base64url");

function publicOf(key) {
  const { n, e, crv, x, y } = key.key;
  return n
    ? createPublicKey({ format: "jwk", key: { kty: "RSA", n: b64u(n), e: b64u(e) } })
    : createPublicKey({ format: "jwk", key: { kty: "EC", crv: crv === "P-256K" ? "secp256k1" : crv, x: b64u(x), y: b64u(y) } });
}

const made = {
  software: await keys.createRsaKey("soft", { keySize: 2048 }),
  hardware: await keys.createRsaKey("hard", { keySize: 2048, hsm: true }),
};

for (const [kind, key] of Object.entries(made)) {
  const client = new CryptographyClient(key, credential);
  for (const [algorithm, hash] of ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map((name) => [name, `sha${name.slice(2)}`])) {
    const digest = createHash(hash).update(text).digest();
    const padding = algorithm.startsWith("PS") ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digest.length } : {};
    await step(`${kind} ${algorithm}: sign, verify, signData, verifyData`, async () => {
      const { result, keyID } = await client.sign(algorithm, digest);
      assert.equal(keyID, key.id);
      assert.ok(verify(hash, text, { key: publicOf(key), ...padding }, result));
      assert.equal((await client.verify(algorithm, digest, result)).result, true);
      const other = Buffer.from(digest);
      other[0] ^= 1;
      assert.equal((await client.verify(algorithm, other, result)).result, false);
      const ofData = await client.signData(algorithm, text);
      assert.ok(verify(hash, text, { key: publicOf(key), ...padding }, ofData.result));
      // The client verifies data by itself, and takes PSS for PKCS #1 v1.5: its own mistake.
      assert.equal((await client.verifyData(algorithm, text, ofData.result)).result, !algorithm.startsWith("PS"));
      await refused(client.sign(algorithm, digest.subarray(1)), 400, "BadParameter");
    });
  }
  for (const [algorithm, options] of [
    ["RSA1_5", { padding: constants.RSA_PKCS1_PADDING }],
    ["RSA-OAEP", { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" }],
    ["RSA-OAEP-256", { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }],
  ]) {
    await step(`${kind} ${algorithm}: encrypt, decrypt, wrapKey, unwrapKey`, async () => {
      const foreign = publicEncrypt({ key: publicOf(key), ...options }, text);
      assert.deepEqual(Buffer.from((await client.decrypt(algorithm, foreign)).result), text);
      assert.deepEqual(Buffer.from((await client.decrypt({ algorithm, ciphertext: foreign })).result), text);
      const { result: ciphertext } = await client.encrypt(algorithm, text);
      const back = await client.decrypt(algorithm, ciphertext);
      assert.deepEqual(Buffer.from(back.result), text);
      assert.equal(back.keyID, key.id);
      const secret = Buffer.alloc(32, 9);
      const wrapped = await client.wrapKey(algorithm, secret);
      assert.deepEqual(Buffer.from((await client.unwrapKey(algorithm, wrapped.result)).result), secret);
      assert.deepEqual(Buffer.from((await client.unwrapKey(algorithm, publicEncrypt({ key: publicOf(key), ...options }, secret))).result), secret);
    });
  }
}

await step("encrypt and wrapKey of the service itself", async () => {
  // By its id alone a client has no public key and asks the service.
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = Object.fromEntries(["n", "e", "d", "p", "q", "dp", "dq", "qi"].map((name) => [name, Buffer.from(privateKey.export({ format: "jwk" })[name], "base64url")]));
  const key = await keys.importKey("known", { kty: "RSA", keyOps: ["encrypt", "decrypt", "wrapKey", "unwrapKey"], ...jwk });
  const client = new CryptographyClient(key, credential);
  const options = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
  const { result } = await client.encrypt("RSA-OAEP-256", text);
  assert.deepEqual(privateDecrypt({ key: privateKey, ...options }, result), text);
  const wrapped = await client.wrapKey("RSA-OAEP-256", text);
  assert.deepEqual(privateDecrypt({ key: privateKey, ...options }, wrapped.result), text);
  // The client knows the key's operations and refuses by itself.
  await assert.rejects(client.sign("RS256", Buffer.alloc(32)), /sign/);
});

for (const [algorithm, curve, hash] of [["ES256", "P-256", "sha256"], ["ES384", "P-384", "sha384"], ["ES512", "P-521", "sha512"], ["ES256K", "P-256K", "sha256"]]) {
  for (const hsm of [false, true]) {
    await step(`${hsm ? "EC-HSM" : "EC"} ${algorithm}: sign, verify, signData, verifyData`, async () => {
      const key = await keys.createEcKey(`${algorithm}-${hsm}`, { curve, hsm });
      const client = new CryptographyClient(key, credential);
      const digest = createHash(hash).update(text).digest();
      const { result } = await client.sign(algorithm, digest);
      assert.ok(verify(hash, text, { key: publicOf(key), dsaEncoding: "ieee-p1363" }, result));
      assert.equal((await client.verify(algorithm, digest, result)).result, true);
      result[5] ^= 1;
      assert.equal((await client.verify(algorithm, digest, result)).result, false);
      const ofData = await client.signData(algorithm, text);
      assert.equal((await client.verifyData(algorithm, text, ofData.result)).result, true);
      await refused(client.sign(algorithm === "ES256" ? "ES384" : "ES256", Buffer.alloc(algorithm === "ES256" ? 48 : 32)), 400, "BadParameter");
    });
  }
}

await step("a client of a key's id alone", async () => {
  const client = new CryptographyClient(made.hardware.id, credential);
  const digest = createHash("sha256").update(text).digest();
  const { result } = await client.sign("PS256", digest);
  assert.equal((await client.verify("PS256", digest, result)).result, true);
});

await step("times and switches bind per operation", async () => {
  const key = await keys.createRsaKey("bound");
  const client = new CryptographyClient(key, credential);
  const cipher = (await client.encrypt("RSA-OAEP-256", text)).result;
  await keys.updateKeyProperties("bound", { expiresOn: new Date("2021-01-01T00:00:00Z") });
  assert.deepEqual(Buffer.from((await client.decrypt("RSA-OAEP-256", cipher)).result), text);
  await refused(client.sign("RS256", Buffer.alloc(32)), 403, "Forbidden");
  await keys.updateKeyProperties("bound", { enabled: false });
  await refused(client.decrypt("RSA-OAEP-256", cipher), 403, "Forbidden");
});

report();
