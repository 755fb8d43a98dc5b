#include "vault/api/page.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "vault/api/toolsets.h"
#include "vault/core/names.h"

#define PAGE_MAX (256u * 1024)
#define API_VERSION "2025-07-01"

/* A page being written. After the first failure nothing more is added. */
struct page {
    struct vault_call *call;
    struct kq_buffer *out;
    kq_status status;
};

static void put(struct page *page, const char *text)
{
    if (page->status == KQ_OK)
        page->status = kq_buffer_append(page->out, text, strlen(text));
}

/* Text of others, so that it can only be text. */
static void put_text(struct page *page, const char *text)
{
    for (; *text != '\0'; text++) {
        char one[2] = {*text, '\0'};
        switch (*text) {
        case '&':
            put(page, "&amp;");
            break;
        case '<':
            put(page, "&lt;");
            break;
        case '>':
            put(page, "&gt;");
            break;
        case '"':
            put(page, "&quot;");
            break;
        case '\'':
            put(page, "&#39;");
            break;
        default:
            put(page, one);
        }
    }
}

__attribute__((format(printf, 2, 3))) static void put_format(struct page *page, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof text)
        page->status = KQ_ERR_TOO_LARGE;
    else
        put_text(page, text);
}

/* ---- head ------------------------------------------------------------------------------ */

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:54rem;margin:0 auto;padding:1rem 1.25rem 4rem;"
    "background:#fff;color:#1a1a1a}"
    "h1{margin:.5rem 0;font-size:1.7rem;overflow-wrap:anywhere}h2{margin:2rem 0 .5rem;font-size:1.2rem}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.25rem;margin:1rem 0}"
    "dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}"
    "code,pre{font:14px/1.5 ui-monospace,monospace}"
    "pre{background:#f2f2f2;padding:.75rem 1rem;border-radius:4px;overflow:auto;margin:.5rem 0}"
    "a{color:#004fa3}button{font:inherit;padding:.2rem .7rem}"
    ".warn{border-left:4px solid #8a5300;padding-left:.75rem}"
    "@media(max-width:40rem){dl{grid-template-columns:1fr}dt{margin-top:.5rem}}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#eaeaea}pre{background:#262626}a{color:#8cc4ff}"
    ".warn{border-color:#ffb84d}}";

static const char script[] =
    "for(const pre of document.querySelectorAll('pre')){"
    "const button=document.createElement('button');button.type='button';button.textContent='Copy';"
    "button.setAttribute('aria-describedby',pre.id);"
    "button.addEventListener('click',async()=>{try{await navigator.clipboard.writeText(pre.textContent);"
    "button.textContent='Copied'}catch{const range=document.createRange();range.selectNodeContents(pre);"
    "const selection=getSelection();selection.removeAllRanges();selection.addRange(range);"
    "button.textContent='Selected: press Ctrl+C'}"
    "setTimeout(()=>{button.textContent='Copy'},3000)});pre.after(button)}";

static void put_head(struct page *page, const char *nonce)
{
    put(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    put_format(page, "%s - key vault", page->call->vault.name);
    put(page, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style nonce=\"");
    put(page, nonce);
    put(page, "\">");
    put(page, style);
    put(page, "</style>\n</head>\n<body>\n<main>\n<h1>");
    put_format(page, "Key vault %s", page->call->vault.name);
    put(page, "</h1>\n<p>This address is the programming interface of a key vault served by Keyquay. Its keys live in "
              "a module and are used there; they are never shown. Clients written for Azure Key Vault work with it as "
              "they are.</p>\n");
}

/* ---- facts ------------------------------------------------------------------------------ */

static void put_fact(struct page *page, const char *id, const char *name, const char *value)
{
    put(page, "<dt>");
    put(page, name);
    put(page, "</dt><dd><code id=\"");
    put(page, id);
    put(page, "\">");
    put_text(page, value);
    put(page, "</code></dd>\n");
}

/* 64 hex digits as eight groups of eight, to be compared by eye. */
static void put_hash(struct page *page, const char *id, const char *name, const char *hex)
{
    uint8_t hash[32];
    char text[KQ_HASH_TEXT_SIZE];
    if (!kq_hash_parse(kq_slice_text(hex), hash))
        return;
    kq_hash_text(kq_slice_of(hash, sizeof hash), text);
    put_fact(page, id, name, text);
}

static void put_toolset(struct page *page, const struct vault_toolset *toolset)
{
    if (toolset->file_name[0] == '\0') {
        put(page, "<p>There is no toolset for this region on this host.</p>\n");
        return;
    }
    put(page, "<p>Download <a id=\"toolset\" href=\"/toolsets/");
    put_text(page, toolset->file_name);
    put(page, "\">");
    put_text(page, toolset->file_name);
    put(page, "</a> to bring a key of your own, check its SHA-256, then verify both packages with the programs inside "
              "before you wrap a key.</p>\n<dl>\n");
    put_fact(page, "toolset-sha256", "SHA-256", toolset->sha256);
    put_hash(page, "root-hash", "Root hash", toolset->root_hash);
    put_hash(page, "world-hash", "World hash", toolset->world_hash);
    put(page, "</dl>\n");
    if (toolset->is_rehearsal)
        put(page, "<p class=\"warn\">The root is one for rehearsals: it proves nothing about who made this "
                  "region.</p>\n");
    put(page,
        "<p>A page can only repeat what its server says. Compare the root hash with the one that you got from the "
        "manufacturer by another road.</p>\n");
}

static void put_facts(struct page *page, const struct vault_toolset *toolset)
{
    const struct vault_record *vault = &page->call->vault;
    put(page, "<dl>\n");
    put_fact(page, "address", "Address", page->call->base_url);
    put_fact(page, "geography", "Geography", vault->region);
    put_fact(page, "location", "Location", vault->location);
    put_fact(page, "region", "Region", toolset->label[0] == '\0' ? vault->region : toolset->label);
    put_fact(page, "sku", "SKU", vault->is_premium ? "premium" : "standard");
    put_fact(page, "tenant", "Tenant", page->call->service->tenant_id);
    put_fact(page, "api-version", "API version", API_VERSION " (any version from 7.0 on is answered)");
    put(page, "</dl>\n<h2>The region's toolset</h2>\n");
    put_toolset(page, toolset);
}

/* ---- how to connect ------------------------------------------------------------------------- */

static void begin_commands(struct page *page, const char *id, const char *title)
{
    put(page, "<h2>");
    put(page, title);
    put(page, "</h2>\n<pre id=\"");
    put(page, id);
    put(page, "\" tabindex=\"0\">");
}

static void end_commands(struct page *page)
{
    put(page, "</pre>\n");
}

static void put_certificate(struct page *page)
{
    put(page, "<p>Get the certificate of this service's authority from its operator, or take <a "
              "href=\"/ca.pem\">ca.pem</a> and compare it with the operator's. All commands below expect it in the "
              "current folder, and your client's id and secret in the environment.</p>\n");
    begin_commands(page, "environment", "Before the first call");
    put_format(page,
               "export AZURE_CLIENT_ID=... AZURE_CLIENT_SECRET=...\n"
               "export AZURE_TENANT_ID=adfs AZURE_AUTHORITY_HOST=%s\n"
               "export REQUESTS_CA_BUNDLE=$PWD/ca.pem NODE_EXTRA_CA_CERTS=$PWD/ca.pem",
               page->call->service->login_url);
    end_commands(page);
}

static void put_az(struct page *page)
{
    const struct vault_service *service = page->call->service;
    const char *management = service->management_url;
    begin_commands(page, "az", "Azure CLI");
    put_format(page,
               "cat > keyquay-cloud.json <<'END'\n"
               "{\"endpoints\": {\"resource_manager\": \"%s\",\n"
               "  \"management\": \"%s\",\n"
               "  \"active_directory\": \"%s/adfs\",\n"
               "  \"active_directory_resource_id\": \"%s\",\n",
               management, management, service->login_url, management);
    put_format(page,
               "  \"active_directory_graph_resource_id\": \"%s\",\n"
               "  \"microsoft_graph_resource_id\": \"%s\"},\n"
               " \"suffixes\": {\"keyvault_dns\": \"%s\"}}\nEND\n",
               management, management, service->vault_suffix);
    put_format(page,
               "az cloud register -n Keyquay --cloud-config @keyquay-cloud.json\n"
               "az cloud set -n Keyquay\n"
               "az login --service-principal -u \"$AZURE_CLIENT_ID\" -p \"$AZURE_CLIENT_SECRET\" --tenant %s\n"
               "az keyvault key list --vault-name %s",
               service->tenant_id, page->call->vault.name);
    end_commands(page);
}

static void put_javascript(struct page *page)
{
    begin_commands(page, "javascript", "JavaScript");
    put_format(page,
               "import { DefaultAzureCredential } from \"@azure/identity\";\n"
               "import { KeyClient } from \"@azure/keyvault-keys\";\n"
               "const client = new KeyClient(\"%s\", new DefaultAzureCredential());\n"
               "for await (const key of client.listPropertiesOfKeys()) console.log(key.name);",
               page->call->base_url);
    end_commands(page);
}

static void put_python(struct page *page)
{
    begin_commands(page, "python", "Python");
    put_format(page,
               "from azure.identity import DefaultAzureCredential\n"
               "from azure.keyvault.keys import KeyClient\n"
               "client = KeyClient(\"%s\", DefaultAzureCredential())\n"
               "print([key.name for key in client.list_properties_of_keys()])",
               page->call->base_url);
    end_commands(page);
}

static void put_curl(struct page *page)
{
    const struct vault_service *service = page->call->service;
    begin_commands(page, "curl", "curl");
    put_format(page,
               "TOKEN=$(curl -sS --cacert ca.pem %s/adfs/oauth2/token \\\n"
               "  -d grant_type=client_credentials --data-urlencode \"client_id=$AZURE_CLIENT_ID\" \\\n"
               "  --data-urlencode \"client_secret=$AZURE_CLIENT_SECRET\" \\\n"
               "  --data-urlencode \"scope=%s/.default\" |\n"
               "  python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])')\n"
               "curl -sS --cacert ca.pem -H \"Authorization: Bearer $TOKEN\" \"%s/keys?api-version=" API_VERSION "\"",
               service->login_url, service->vault_resource, page->call->base_url);
    end_commands(page);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void put_page(struct page *page, const struct vault_toolset *toolset, const char *nonce)
{
    put_head(page, nonce);
    put_facts(page, toolset);
    put_certificate(page);
    put_az(page);
    put_javascript(page);
    put_python(page);
    put_curl(page);
    put(page, "</main>\n<script nonce=\"");
    put(page, nonce);
    put(page, "\">");
    put(page, script);
    put(page, "</script>\n</body>\n</html>\n");
}

static kq_status set_headers(struct vault_http_response *response, const char *nonce)
{
    char policy[300];
    snprintf(policy, sizeof policy,
             "default-src 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; img-src data:; base-uri 'none'; "
             "form-action 'none'; frame-ancestors 'none'",
             nonce, nonce);
    KQ_TRY(vault_http_response_header(response, "Content-Security-Policy", policy));
    KQ_TRY(vault_http_response_header(response, "X-Frame-Options", "DENY"));
    return vault_http_response_header(response, "Referrer-Policy", "no-referrer");
}

enum vault_problem vault_page_get(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_toolset) toolset = {.size = 0};
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    const struct kq_region *region = kq_region_of_location(call->vault.location);
    char nonce[VAULT_KEY_VERSION_LEN + 1];
    kq_status status = region == NULL ? KQ_ERR_NOT_FOUND : vault_toolset_read(call->service, region, &toolset);
    if (status == KQ_OK || status == KQ_ERR_NOT_FOUND)
        status = vault_new_version(nonce); /* 128 random bits */
    if (status != KQ_OK)
        return vault_fail_status(call, status, "page", NULL);
    kq_buffer_init(&out, PAGE_MAX);
    struct page page = {.call = call, .out = &out};
    put_page(&page, &toolset, nonce);
    if (page.status == KQ_OK)
        page.status = set_headers(call->response, nonce);
    if (page.status != KQ_OK)
        return vault_fail_status(call, page.status, "page", NULL);
    call->response->body = out;
    out = (struct kq_buffer){0};
    call->response->status = 200;
    call->response->content_type = "text/html; charset=utf-8";
    return VAULT_OK;
}
