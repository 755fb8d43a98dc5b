// Signs in with a certificate, by name and from the environment alone, and lists keys.
//   node certificate.mjs VAULT_URL CERTIFICATE
import { ClientCertificateCredential, DefaultAzureCredential } from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";

const [vaultUrl, certificatePath] = process.argv.slice(2);
const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_AUTHORITY_HOST } = process.env;
const own = (sendCertificateChain) =>
  new ClientCertificateCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, { certificatePath }, {
    authorityHost: AZURE_AUTHORITY_HOST, sendCertificateChain, disableInstanceDiscovery: true });
const credentials = { certificate: own(false), chain: own(true), environment: new DefaultAzureCredential() };
const found = {};
for (const [name, credential] of Object.entries(credentials)) {
  found[name] = [];
  for await (const key of new KeyClient(vaultUrl, credential).listPropertiesOfKeys()) found[name].push(key.name);
  await credential.getToken(AZURE_AUTHORITY_HOST.replace("//login.", "//management.") + "/.default");
}
console.log(JSON.stringify(found));
