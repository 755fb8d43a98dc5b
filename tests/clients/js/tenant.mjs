// The tenant by its number instead of "adfs": then the client asks the public
// cloud which authorities there are, unless it is told not to.
//   node tenant.mjs VAULT_URL TENANT
import assert from "node:assert/strict";
import { ClientSecretCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { report, step } from "./steps.mjs";

const [vaultUrl, tenant] = process.argv.slice(2);
const { AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_AUTHORITY_HOST } = process.env;

await step("create and sign", async () => {
  const credential = new ClientSecretCredential(tenant, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, {
    authorityHost: AZURE_AUTHORITY_HOST, disableInstanceDiscovery: true,
  });
  const key = await new KeyClient(vaultUrl, credential).createEcKey("by-number");
  const { result } = await new CryptographyClient(key, credential).sign("ES256", Buffer.alloc(32, 1));
  assert.equal(result.length, 64);
});

report();
