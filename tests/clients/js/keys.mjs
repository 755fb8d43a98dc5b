// Every call of KeyClient.
//   node keys.mjs secret|environment VAULT_URL BYOK_FILE
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { KeyClient } from "@azure/keyvault-keys";
import { collect, credentialOf, refused, report, step } from "./steps.mjs";

const [mode, vaultUrl, byokFile] = process.argv.slice(2);
const client = new KeyClient(vaultUrl, credentialOf(mode));
const RSA_OPS = ["decrypt", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"];
const sorted = (list) => [...list].sort();

await step("createKey with defaults", async () => {
  const key = await client.createKey("plain", "RSA");
  assert.equal(key.keyType, "RSA");
  assert.equal(key.key.n.length, 256);
  assert.deepEqual([...key.key.e], [1, 0, 1]);
  assert.deepEqual(sorted(key.keyOperations), RSA_OPS);
  assert.equal(key.id, `${vaultUrl}/keys/plain/${key.properties.version}`);
  assert.match(key.properties.version, /^[0-9a-f]{32}$/);
  assert.equal(key.properties.enabled, true);
  assert.ok(Math.abs(key.properties.createdOn - Date.now()) < 120000);
  assert.equal(key.properties.recoverableDays, 90);
  assert.equal(key.properties.recoveryLevel, "Recoverable+Purgeable");
  assert.equal(key.properties.exportable, false);
  assert.equal(key.properties.hsmPlatform, "0");
});

await step("createKey with every option", async () => {
  const notBefore = new Date("2030-01-01T00:00:00Z");
  const expiresOn = new Date("2031-01-01T00:00:00Z");
  const key = await client.createKey("full", "RSA-HSM", {
    keySize: 2048, keyOps: ["sign", "verify"], enabled: false, notBefore, expiresOn, tags: { team: "blue", "ümlaut": "ß" },
  });
  assert.equal(key.keyType, "RSA-HSM");
  assert.deepEqual(sorted(key.keyOperations), ["sign", "verify"]);
  assert.equal(key.properties.enabled, false);
  assert.deepEqual(key.properties.notBefore, notBefore);
  assert.deepEqual(key.properties.expiresOn, expiresOn);
  assert.deepEqual(key.properties.tags, { team: "blue", "ümlaut": "ß" });
  assert.equal(key.properties.hsmPlatform, "1");
});

await step("createRsaKey", async () => {
  const key = await client.createRsaKey("rsa3072", { keySize: 3072 });
  assert.equal(key.key.n.length, 384);
  const hard = await client.createRsaKey("rsahsm", { hsm: true, keySize: 2048, publicExponent: 65537 });
  assert.equal(hard.keyType, "RSA-HSM");
  await refused(client.createRsaKey("rsa512", { keySize: 512 }), 400, "BadParameter");
});

await step("createEcKey", async () => {
  for (const [curve, bytes] of [["P-256", 32], ["P-384", 48], ["P-521", 66], ["P-256K", 32]]) {
    for (const hsm of [false, true]) {
      const key = await client.createEcKey(`ec-${curve}-${hsm}`, { curve, hsm });
      assert.equal(key.keyType, hsm ? "EC-HSM" : "EC");
      assert.equal(key.key.crv, curve);
      assert.deepEqual([key.key.x.length, key.key.y.length], [bytes, bytes]);
      assert.deepEqual(sorted(key.keyOperations), ["sign", "verify"]);
    }
  }
  assert.equal((await client.createEcKey("ec-default")).key.crv, "P-256");
});

await step("createOctKey is refused", () => refused(client.createOctKey("oct", { hsm: true }), 400, "BadParameter"));

await step("getKey", async () => {
  const first = await client.getKey("plain");
  const second = await client.createKey("plain", "RSA");
  assert.notEqual(first.properties.version, second.properties.version);
  assert.equal((await client.getKey("plain")).id, second.id);
  assert.equal((await client.getKey("plain", { version: first.properties.version })).id, first.id);
  assert.equal((await client.getKey("PLAIN")).name.toLowerCase(), "plain");
  await refused(client.getKey("absent"), 404, "KeyNotFound");
  await refused(client.getKey("plain", { version: "0".repeat(32) }), 404, "KeyNotFound");
});

await step("listPropertiesOfKeys", async () => {
  const names = (await collect(client.listPropertiesOfKeys())).map((item) => item.name);
  for (const name of ["plain", "full", "rsa3072", "rsahsm", "ec-default"]) assert.ok(names.includes(name), name);
  assert.equal(new Set(names).size, names.length);
  const paged = [];
  for await (const page of client.listPropertiesOfKeys().byPage({ maxPageSize: 3 })) {
    assert.ok(page.length <= 3);
    paged.push(...page.map((item) => item.name));
  }
  assert.deepEqual(sorted(paged), sorted(names));
});

await step("listPropertiesOfKeyVersions", async () => {
  const versions = await collect(client.listPropertiesOfKeyVersions("plain"));
  assert.equal(versions.length, 2);
  for (const version of versions) assert.equal(version.id, `${vaultUrl}/keys/plain/${version.version}`);
  const paged = [];
  for await (const page of client.listPropertiesOfKeyVersions("plain").byPage({ maxPageSize: 1 })) paged.push(...page);
  assert.deepEqual(sorted(paged.map((item) => item.version)), sorted(versions.map((item) => item.version)));
});

await step("updateKeyProperties", async () => {
  const { properties: { version } } = await client.getKey("plain");
  const expiresOn = new Date("2033-03-03T03:03:03Z");
  const changed = await client.updateKeyProperties("plain", version, {
    enabled: false, expiresOn, keyOps: ["sign"], tags: { a: "1" },
  });
  assert.equal(changed.properties.enabled, false);
  assert.deepEqual(changed.properties.expiresOn, expiresOn);
  assert.deepEqual(changed.keyOperations, ["sign"]);
  const again = await client.updateKeyProperties("plain", { enabled: true });
  assert.equal(again.properties.version, version);
  assert.equal(again.properties.enabled, true);
  assert.deepEqual(again.properties.expiresOn, expiresOn);
  assert.deepEqual(again.properties.tags, { a: "1" });
  await refused(client.updateKeyProperties("absent", { enabled: true }), 404, "KeyNotFound");
});

await step("beginDeleteKey, getDeletedKey, listDeletedKeys, beginRecoverDeletedKey", async () => {
  const key = await client.createRsaKey("returns", { tags: { was: "here" } });
  const poller = await client.beginDeleteKey("returns");
  const deleted = await poller.pollUntilDone();
  assert.equal(deleted.properties.recoveryId, `${vaultUrl}/deletedkeys/returns`);
  assert.equal(deleted.properties.scheduledPurgeDate - deleted.properties.deletedOn, 90 * 86400 * 1000);
  assert.equal((await client.getDeletedKey("returns")).name, "returns");
  assert.ok((await collect(client.listDeletedKeys())).some((item) => item.name === "returns"));
  await refused(client.getKey("returns"), 404, "KeyNotFound");
  await refused(client.createRsaKey("returns"), 409, "Conflict");
  const recovered = await (await client.beginRecoverDeletedKey("returns")).pollUntilDone();
  assert.equal(recovered.id, key.id);
  assert.deepEqual((await client.getKey("returns")).properties.tags, { was: "here" });
  await refused(client.getDeletedKey("returns"), 404, "KeyNotFound");
});

await step("backupKey, purgeDeletedKey, restoreKeyBackup", async () => {
  const first = await client.createRsaKey("saved");
  const second = await client.createRsaKey("saved");
  const backup = await client.backupKey("saved");
  await refused(client.restoreKeyBackup(backup), 409, "Conflict");
  await (await client.beginDeleteKey("saved")).pollUntilDone();
  await client.purgeDeletedKey("saved");
  await refused(client.getDeletedKey("saved"), 404, "KeyNotFound");
  await refused(client.restoreKeyBackup(backup.subarray(0, -40)), 400, "BadParameter");
  const restored = await client.restoreKeyBackup(backup);
  assert.equal(restored.id, second.id);
  const versions = await collect(client.listPropertiesOfKeyVersions("saved"));
  assert.deepEqual(sorted(versions.map((item) => item.id)), sorted([first.id, second.id]));
});

await step("rotation policy, rotateKey", async () => {
  const key = await client.createRsaKey("turns", { hsm: true, tags: { stays: "yes" } });
  const none = await client.getKeyRotationPolicy("turns");
  assert.equal(none.id, `${vaultUrl}/keys/turns/rotationpolicy`);
  const policy = await client.updateKeyRotationPolicy("turns", {
    expiresIn: "P90D", lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P60D" }, { action: "Notify", timeBeforeExpiry: "P10D" }],
  });
  assert.equal(policy.expiresIn, "P90D");
  assert.deepEqual(policy.lifetimeActions.map((item) => item.action).sort(), ["Notify", "Rotate"]);
  assert.ok(policy.createdOn instanceof Date && policy.updatedOn instanceof Date);
  assert.deepEqual(await client.getKeyRotationPolicy("turns"), policy);
  const next = await client.rotateKey("turns");
  assert.notEqual(next.properties.version, key.properties.version);
  assert.equal(next.keyType, "RSA-HSM");
  assert.equal(next.properties.expiresOn - next.properties.createdOn, 90 * 86400 * 1000);
  assert.equal((await client.getKey("turns")).id, next.id);
  await refused(client.updateKeyRotationPolicy("turns", { expiresIn: "P5D", lifetimeActions: [] }), 400, "BadParameter");
  await refused(client.rotateKey("absent"), 404, "KeyNotFound");
});

// importKey wants the private numbers as bytes.
const bytesOf = (jwk, names) => Object.fromEntries(names.map((name) => [name, Buffer.from(jwk[name], "base64url")]));

await step("importKey of private numbers", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = privateKey.export({ format: "jwk" });
  const numbers = bytesOf(jwk, ["n", "e", "d", "p", "q", "dp", "dq", "qi"]);
  for (const hardwareProtected of [false, true]) {
    const key = await client.importKey(`rsa-in-clear-${hardwareProtected}`, { kty: "RSA", keyOps: ["sign", "verify"], ...numbers }, { hardwareProtected });
    assert.equal(key.keyType, hardwareProtected ? "RSA-HSM" : "RSA");
    assert.equal(Buffer.from(key.key.n).toString("base64url"), jwk.n);
    assert.equal(key.key.d, undefined);
  }
  for (const [namedCurve, crv] of [["P-256", "P-256"], ["P-384", "P-384"], ["P-521", "P-521"], ["secp256k1", "P-256K"]]) {
    const pair = generateKeyPairSync("ec", { namedCurve }).privateKey.export({ format: "jwk" });
    const key = await client.importKey(`${crv}-in-clear`, { kty: "EC", crv, ...bytesOf(pair, ["x", "y", "d"]) }, { tags: { from: "jwk" } });
    assert.equal(key.key.crv, crv);
    assert.equal(Buffer.from(key.key.x).toString("base64url"), pair.x);
    assert.deepEqual(key.properties.tags, { from: "jwk" });
  }
  await refused(client.importKey("half", { kty: "RSA", n: numbers.n, e: numbers.e }), 400, "BadParameter");
});

await step("importKey of a transfer package", async () => {
  const key = await client.importKey(`travelled-${mode}`, { kty: "RSA-HSM", t: readFileSync(byokFile) }, { hardwareProtected: true });
  assert.equal(key.keyType, "RSA-HSM");
  createPublicKey({ format: "jwk", key: { kty: "RSA", n: Buffer.from(key.key.n).toString("base64url"), e: "AQAB" } });
  const broken = readFileSync(byokFile);
  broken[broken.length >> 1] ^= 1;
  await refused(client.importKey("broken", { kty: "RSA-HSM", t: broken }, { hardwareProtected: true }), 400, "BadParameter");
});

await step("calls that vaults do not serve are refused in clear words", async () => {
  await refused(client.getRandomBytes(8), 400, "NotSupported");
  await refused(client.releaseKey("plain", "e30.e30."), 400, "NotSupported");
  await refused(client.getKeyAttestation("plain"), 400, "NotSupported");
});

await step("getCryptographyClient", async () => {
  const crypto = client.getCryptographyClient("rsahsm");
  const { result, keyID } = await crypto.sign("RS256", Buffer.alloc(32, 7));
  assert.equal(result.length, 256);
  assert.ok(keyID.startsWith(`${vaultUrl}/keys/rsahsm/`));
});

report();
