#include "vault/api/page.h"

#include <stdio.h>

#include "base/text.h"
#include "vault/api/page_text.h"
#include "vault/core/names.h"

#define PAGE_MAX (256u * 1024)
#define API_VERSION "2025-07-01"

/* ---- look ------------------------------------------------------------------------------ */

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.55 system-ui,sans-serif;max-width:54rem;margin:0 auto;padding:1rem 1.25rem 4rem;"
    "background:#fff;color:#1a1a1a}"
    "header p{margin:.5rem 0 0;color:#555}"
    "h1{margin:0 0 .5rem;font-size:1.8rem;line-height:1.2;overflow-wrap:anywhere}"
    "h2{margin:2.25rem 0 .5rem;padding-top:.75rem;border-top:1px solid "
    "#ccc;font-size:1.3rem}h3{margin:0;font-size:1rem}"
    "nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;list-style:none;margin:1rem 0;padding:0}nav a{padding:.25rem "
    "0}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.25rem;margin:1rem 0}"
    "dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}"
    "code,pre{font:14px/1.5 ui-monospace,monospace}code{overflow-wrap:anywhere}"
    ".hash{display:grid;grid-template-columns:repeat(4,max-content);gap:0 .75rem}"
    ".bar{display:flex;align-items:center;justify-content:space-between;gap:1rem;margin:1.5rem 0 "
    ".35rem;min-height:2.2rem}"
    "pre{background:#f2f2f2;padding:.75rem 1rem;border-radius:4px;overflow:auto;margin:0}"
    "a{color:#004fa3}a:focus-visible,pre:focus-visible,button:focus-visible{outline:3px solid "
    "#004fa3;outline-offset:2px}"
    "button{font:inherit;font-size:.9rem;padding:.25rem .8rem;color:inherit;background:#f2f2f2;border:1px solid "
    "#767676;"
    "border-radius:4px;cursor:pointer}"
    ".unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}"
    ".warn{border-left:4px solid #8a5300;padding-left:.75rem}"
    "@media(max-width:40rem){dl{grid-template-columns:1fr}dt{margin-top:.5rem}.hash{grid-template-columns:repeat(2,max-"
    "content)}}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#eaeaea}header "
    "p{color:#b0b0b0}h2{border-color:#444}"
    "pre,button{background:#262626}a{color:#8cc4ff}.warn{border-color:#ffb84d}"
    "a:focus-visible,pre:focus-visible,button:focus-visible{outline-color:#8cc4ff}}";

/* Only adds the buttons: without it the page says the same. */
static const char script[] =
    "const said=document.getElementById('said');"
    "const select=pre=>{const range=document.createRange();range.selectNodeContents(pre);"
    "const selection=getSelection();selection.removeAllRanges();selection.addRange(range)};"
    "for(const pre of document.querySelectorAll('pre')){"
    "const title=document.getElementById(pre.getAttribute('aria-labelledby')).textContent;"
    "const button=document.createElement('button');button.type='button';"
    "const word=document.createTextNode('Copy');const rest=document.createElement('span');"
    "rest.className='unseen';rest.textContent=': '+title;button.append(word,rest);"
    "button.addEventListener('click',async()=>{let done='Copied';"
    "try{await navigator.clipboard.writeText(pre.textContent)}catch{select(pre);done='Selected: press Ctrl+C'}"
    "word.data=done;said.textContent=done+': '+title;"
    "setTimeout(()=>{word.data='Copy';said.textContent=''},3000)});"
    "pre.previousElementSibling.append(button)}";

/* ---- what this is ------------------------------------------------------------------------ */

static void put_head(struct vault_page_text *page, const char *nonce)
{
    vault_page_put(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    vault_page_put_format(page, "%s - key vault", page->call->vault.name);
    vault_page_put(page, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style nonce=\"");
    vault_page_put(page, nonce);
    vault_page_put(page, "\">");
    vault_page_put(page, style);
    vault_page_put(page, "</style>\n</head>\n<body>\n");
}

static void put_introduction(struct vault_page_text *page)
{
    vault_page_put(page, "<header>\n<p>A key vault, served by Keyquay</p>\n<h1>");
    vault_page_put_text(page, page->call->vault.name);
    vault_page_put(page,
                   "</h1>\n<nav aria-label=\"On this page\"><ul>\n<li><a href=\"#about\">This vault</a></li>\n"
                   "<li><a href=\"#toolset-title\">Bring your own key</a></li>\n"
                   "<li><a href=\"#connect\">Connect</a></li>\n</ul></nav>\n</header>\n<main>\n"
                   "<p>This address is for programs: over it they make, import and use keys. The keys live in a "
                   "security module and never leave it in the clear; programs send data and get back what a key made "
                   "of it. Clients written for Azure Key Vault work as they are. There is nothing to sign in to "
                   "here.</p>\n"
                   "<p>If you <strong>use keys</strong>, go to <a href=\"#connect\">Connect</a>. If you <strong>own a "
                   "key</strong> that shall work here without anybody seeing it, go to <a "
                   "href=\"#toolset-title\">Bring your own key</a>.</p>\n");
}

static void put_fact(struct vault_page_text *page, const char *id, const char *name, const char *value)
{
    vault_page_put(page, "<dt>");
    vault_page_put(page, name);
    vault_page_put(page, "</dt><dd><code id=\"");
    vault_page_put(page, id);
    vault_page_put(page, "\">");
    vault_page_put_text(page, value);
    vault_page_put(page, "</code></dd>\n");
}

static void put_facts(struct vault_page_text *page)
{
    const struct vault_record *vault = &page->call->vault;
    const char *label = page->toolset->label;
    vault_page_put(page, "<h2 id=\"about\">This vault</h2>\n<dl>\n");
    put_fact(page, "address", "Address", page->call->base_url);
    put_fact(page, "geography", "Geography", vault->region);
    put_fact(page, "region", "Region", label[0] == '\0' ? vault->region : label);
    put_fact(page, "location", "Location", vault->location);
    put_fact(page, "sku", "Tier", vault->is_premium ? "premium" : "standard");
    put_fact(page, "tenant", "Tenant", page->call->service->tenant_id);
    put_fact(page, "api-version", "API version", API_VERSION " (any version from 7.0 on is answered)");
    vault_page_put(page, "</dl>\n");
}

/* ---- bring your own key -------------------------------------------------------------------- */

/* 64 hex digits as eight groups of eight, to be compared by eye. */
static void put_hash(struct vault_page_text *page, const char *id, const char *name, const char *hex)
{
    uint8_t hash[32];
    if (!kq_hash_parse(kq_slice_text(hex), hash))
        return;
    vault_page_put(page, "<dt>");
    vault_page_put(page, name);
    vault_page_put(page, "</dt><dd><code class=\"hash\" id=\"");
    vault_page_put(page, id);
    vault_page_put(page, "\">");
    for (size_t i = 0; i < sizeof hash; i += 4) {
        char group[32];
        snprintf(group, sizeof group, "<span>%02x%02x%02x%02x </span>", hash[i], hash[i + 1], hash[i + 2], hash[i + 3]);
        vault_page_put(page, group);
    }
    vault_page_put(page, "</code></dd>\n");
}

static void put_download(struct vault_page_text *page)
{
    const struct vault_toolset *toolset = page->toolset;
    vault_page_begin_commands(page, "fetch", "Fetch and check the toolset");
    vault_page_put_format(page,
                          "curl -sS --fail --cacert ca.pem -O %s/toolsets/%s\n"
                          "echo '%s  %s' | sha256sum --check\n"
                          "unzip -o %s\n"
                          "python3 verifykeypackage.py -k BYOK-KEK-pkg-%s -w BYOK-SecurityWorld-pkg-%s",
                          page->call->base_url, toolset->file_name, toolset->sha256, toolset->file_name,
                          toolset->file_name, toolset->label, toolset->label);
    vault_page_end_commands(page);
    vault_page_put(page,
                   "<p>Then make the key&#39;s package with <code>KeyTransferRemote</code> and send it, for instance "
                   "with <code>az keyvault key import --vault-name ");
    vault_page_put_text(page, page->call->vault.name);
    vault_page_put(page, " --name NAME --byok-file TransferPackage-NAME.byok</code>.</p>\n");
}

static void put_toolset(struct vault_page_text *page)
{
    const struct vault_toolset *toolset = page->toolset;
    vault_page_put(page, "<h2 id=\"toolset-title\">Bring your own key</h2>\n");
    if (toolset->file_name[0] == '\0') {
        vault_page_put(page, "<p>There is no toolset for this region on this host. Ask its operator.</p>\n");
        return;
    }
    vault_page_put(page, "<p>The toolset of this region, <a id=\"toolset\" href=\"/toolsets/");
    vault_page_put_text(page, toolset->file_name);
    vault_page_put(page, "\">");
    vault_page_put_text(page, toolset->file_name);
    vault_page_put(page, "</a>, holds the packages that your module checks before it wraps a key for this region. Take "
                         "it to your offline machine.</p>\n<dl>\n");
    put_fact(page, "toolset-sha256", "SHA-256", toolset->sha256);
    put_hash(page, "root-hash", "Root hash", toolset->root_hash);
    put_hash(page, "world-hash", "World hash", toolset->world_hash);
    vault_page_put(page, "</dl>\n");
    if (toolset->is_rehearsal)
        vault_page_put(page, "<p class=\"warn\">The root is one for rehearsals: it proves nothing about who made this "
                             "region.</p>\n");
    vault_page_put(page, "<p>A page can only repeat what its server says. Compare the root hash with the one that the "
                         "manufacturer told you, and the world hash with the operator&#39;s, each by another road than "
                         "this page.</p>\n");
    put_download(page);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void put_page(struct vault_page_text *page, const char *nonce)
{
    put_head(page, nonce);
    put_introduction(page);
    put_facts(page);
    put_toolset(page);
    vault_page_put_connect(page);
    vault_page_put(page, "</main>\n<p id=\"said\" role=\"status\" class=\"unseen\"></p>\n<script nonce=\"");
    vault_page_put(page, nonce);
    vault_page_put(page, "\">");
    vault_page_put(page, script);
    vault_page_put(page, "</script>\n</body>\n</html>\n");
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
    struct vault_page_text page = {.call = call, .toolset = &toolset, .out = &out};
    put_page(&page, nonce);
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
