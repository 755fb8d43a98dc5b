#include "vault/api/page_text.h"

/* What a client needs to be told about this very host. Every block is run, as
 * it stands, by the tests. */

static void put_before(struct vault_page_text *page)
{
    vault_page_put(page,
                   "<h2 id=\"connect\">Connect</h2>\n<p>You need two things from whoever runs this vault: a "
                   "client&#39;s id and secret, and the certificate of the authority that signed this page&#39;s. "
                   "<a id=\"ca\" href=\"/ca.pem\">ca.pem</a> is that certificate as this server has it: compare what "
                   "<code>openssl x509 -in ca.pem -noout -fingerprint -sha256</code> prints with what you were told. "
                   "The commands below expect it in the current folder.</p>\n");
    vault_page_begin_commands(page, "environment", "Before the first call");
    vault_page_put_format(page,
                          "export AZURE_CLIENT_ID=... AZURE_CLIENT_SECRET=...\n"
                          "export AZURE_TENANT_ID=adfs AZURE_AUTHORITY_HOST=%s\n"
                          "export REQUESTS_CA_BUNDLE=$PWD/ca.pem NODE_EXTRA_CA_CERTS=$PWD/ca.pem",
                          page->call->service->login_url);
    vault_page_end_commands(page);
}

static void put_cloud(struct vault_page_text *page)
{
    const struct vault_service *service = page->call->service;
    const char *management = service->management_url;
    vault_page_put_format(page,
                          "cat > keyquay-cloud.json <<'END'\n"
                          "{\"endpoints\": {\n"
                          "  \"resource_manager\": \"%s\",\n"
                          "  \"management\": \"%s\",\n"
                          "  \"active_directory\": \"%s/adfs\",\n"
                          "  \"active_directory_resource_id\": \"%s\",\n",
                          management, management, service->login_url, management);
    vault_page_put_format(page,
                          "  \"active_directory_graph_resource_id\": \"%s\",\n"
                          "  \"microsoft_graph_resource_id\": \"%s\"},\n"
                          " \"suffixes\": {\"keyvault_dns\": \"%s\"}}\nEND\n",
                          management, management, service->vault_suffix);
}

static void put_az(struct vault_page_text *page)
{
    vault_page_begin_commands(page, "az", "Azure CLI");
    put_cloud(page);
    vault_page_put_format(page,
                          "az cloud register -n Keyquay --cloud-config @keyquay-cloud.json\n"
                          "az cloud set -n Keyquay\n"
                          "az login --service-principal --tenant %s \\\n"
                          "  -u \"$AZURE_CLIENT_ID\" -p \"$AZURE_CLIENT_SECRET\"\n"
                          "az keyvault key list --vault-name %s",
                          page->call->service->tenant_id, page->call->vault.name);
    vault_page_end_commands(page);
}

static void put_javascript(struct vault_page_text *page)
{
    vault_page_begin_commands(page, "javascript", "JavaScript");
    vault_page_put_format(page,
                          "// npm install @azure/identity @azure/keyvault-keys\n"
                          "import { DefaultAzureCredential } from \"@azure/identity\";\n"
                          "import { KeyClient } from \"@azure/keyvault-keys\";\n"
                          "const vault = \"%s\";\n"
                          "const client = new KeyClient(vault, new DefaultAzureCredential());\n"
                          "for await (const key of client.listPropertiesOfKeys()) console.log(key.name);",
                          page->call->base_url);
    vault_page_end_commands(page);
}

static void put_python(struct vault_page_text *page)
{
    vault_page_begin_commands(page, "python", "Python");
    vault_page_put_format(page,
                          "# pip install azure-identity azure-keyvault-keys\n"
                          "from azure.identity import DefaultAzureCredential\n"
                          "from azure.keyvault.keys import KeyClient\n"
                          "client = KeyClient(\"%s\", DefaultAzureCredential())\n"
                          "for key in client.list_properties_of_keys():\n"
                          "    print(key.name)",
                          page->call->base_url);
    vault_page_end_commands(page);
}

static void put_curl(struct vault_page_text *page)
{
    const struct vault_service *service = page->call->service;
    vault_page_begin_commands(page, "curl", "curl");
    vault_page_put_format(page,
                          "TOKEN=$(printf %%s \"$AZURE_CLIENT_SECRET\" |\n"
                          "  curl -sS --fail --cacert ca.pem %s/adfs/oauth2/token \\\n"
                          "    -d grant_type=client_credentials -d \"client_id=$AZURE_CLIENT_ID\" \\\n"
                          "    -d scope=%s/.default \\\n"
                          "    --data-urlencode client_secret@- |\n"
                          "  sed 's/.*\"access_token\": *\"\\([^\"]*\\).*/\\1/')\n"
                          "echo \"Authorization: Bearer $TOKEN\" |\n"
                          "  curl -sS --fail --cacert ca.pem -H @- \\\n"
                          "    '%s/keys?api-version=7.4'",
                          service->login_url, service->vault_resource, page->call->base_url);
    vault_page_end_commands(page);
}

void vault_page_put_connect(struct vault_page_text *page)
{
    put_before(page);
    put_az(page);
    put_javascript(page);
    put_python(page);
    put_curl(page);
}
