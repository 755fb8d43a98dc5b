#include "tools/owner/module_facts.h"

#include "base/clock.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "trust/chain.h"

void kq_root_text(const struct kq_status_reply *module, char out[KQ_ROOT_TEXT_SIZE])
{
    struct kq_certificate warrant, root;
    uint8_t hash[32];
    char text[KQ_HASH_TEXT_SIZE];
    if (module->warrant.len == 0) {
        snprintf(out, KQ_ROOT_TEXT_SIZE, "none (no warrant)");
        return;
    }
    if (kq_chain_verify_warrant(module->warrant, module->root, kq_clock_unix_s(), &warrant, &root, hash) != KQ_OK) {
        snprintf(out, KQ_ROOT_TEXT_SIZE, "the warrant does not verify");
        return;
    }
    kq_hash_text(kq_slice_of(hash, sizeof hash), text);
    if (root.is_rehearsal)
        snprintf(out, KQ_ROOT_TEXT_SIZE, "rehearsal (%s), proves nothing about the operator; %s", root.common_name,
                 text);
    else
        snprintf(out, KQ_ROOT_TEXT_SIZE, "%s (%s)", text, root.common_name);
}

const char *kq_mode_text(const struct kq_status_reply *module)
{
    return module->world_kind == 0 ? "uninitialized" : "operational";
}

void kq_module_key_hash(const struct kq_status_reply *module, uint8_t out[32])
{
    kq_sha256(module->module_public, out);
}
