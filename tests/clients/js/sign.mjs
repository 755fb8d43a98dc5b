// Default settings: environment variables name the authority and the account,
// the vault's address is the only argument beside the key's name.
//   node sign.mjs VAULT_URL KEY_NAME
// Prints one line of JSON: what was signed and the signatures.
import { createHash, createPublicKey, verify } from "node:crypto";
import { DefaultAzureCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

const [vaultUrl, keyName] = process.argv.slice(2);
const credential = new DefaultAzureCredential();
const keys = new KeyClient(vaultUrl, credential);
const key = await keys.getKey(keyName);
const text = Buffer.from("signed by a key that travelled");
const digest = createHash("sha256").update(text).digest();
const client = new CryptographyClient(key, credential);
const b64u = (bytes) => Buffer.from(bytes).toString("base64url");
const publicKey = createPublicKey({ format: "jwk", key: { kty: "RSA", n: b64u(key.key.n), e: b64u(key.key.e) } });

const signatures = {};
for (const algorithm of ["RS256", "PS256"]) {
  const { result, keyID } = await client.sign(algorithm, digest);
  if (keyID !== key.id) throw new Error(`signed by ${keyID}, not by ${key.id}`);
  const padding = algorithm === "PS256" ? { padding: 6, saltLength: 32 } : {};
  if (!verify("sha256", text, { key: publicKey, ...padding }, result)) throw new Error(`${algorithm}: does not verify`);
  const remote = await client.verify(algorithm, digest, result);
  if (!remote.result) throw new Error(`${algorithm}: the vault does not accept its own signature`);
  signatures[algorithm] = b64u(result);
}
console.log(JSON.stringify({ id: key.id, keyType: key.keyType, text: text.toString(), signatures, n: b64u(key.key.n) }));
