// What the scripts share: named steps, and the credential that a mode means.
import assert from "node:assert/strict";
import { ClientSecretCredential, DefaultAzureCredential } from "@azure/identity";

const outcomes = {};

// A step fails alone: the others still run, and the report names each.
export async function step(name, action) {
  try {
    await action();
    outcomes[name] = "ok";
  } catch (error) {
    outcomes[name] = `${error.name}: ${error.message} ${error.code ?? ""}\n${error.stack}`;
  }
}

export function report() {
  console.log(JSON.stringify(outcomes));
}

// "secret": tenant, account and authority given in code. "environment": no code at all.
export function credentialOf(mode) {
  if (mode === "environment") return new DefaultAzureCredential();
  const { AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_AUTHORITY_HOST } = process.env;
  return new ClientSecretCredential("adfs", AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, { authorityHost: AZURE_AUTHORITY_HOST });
}

// The service must refuse with this status and code, and say why.
export async function refused(promise, status, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.statusCode, status, error.message);
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.length > 20, `says only: ${error.message}`);
    return true;
  });
}

export async function collect(iterator) {
  const all = [];
  for await (const item of iterator) all.push(item);
  return all;
}
