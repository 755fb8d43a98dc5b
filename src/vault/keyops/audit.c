#include "base/text.h"
#include "vault/keyops/modules.h"

#define PEER_MAX 128u
#define DETAIL_MAX 256u

/* Text for a record: at most max bytes, cut between characters; what cannot be printed becomes '?'. */
static struct kq_slice fit(const char *text, size_t max, char *out)
{
    size_t len = text == NULL ? 0 : strnlen(text, max + 1);
    if (len > max)
        for (len = max; len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80; len--) {
        }
    memcpy(out, text == NULL ? "" : text, len);
    if (!kq_text_is_printable(kq_slice_of(out, len))) {
        for (size_t i = 0; i < len; i++)
            out[i] = out[i] >= 0x20 && out[i] < 0x7f ? out[i] : '?';
    }
    return kq_slice_of(out, len);
}

kq_status vault_keyops_audit(struct vault_keyops *keyops, const char *event, const char *caller,
                             const struct vault_key_ref *where, const char *detail)
{
    struct vault_module *module;
    uint8_t hknso[32];
    char peer_text[PEER_MAX], detail_text[DETAIL_MAX];
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_AUTO_VALUE(kq_writer) writer;
    char lower[VAULT_SUBSCRIPTION_SIZE];
    const struct vault_key_ref at = vault_ref_normal(where, lower);
    kq_writer_init(&writer, KQ_PLACE_MAX);
    KQ_TRY(vault_module_find(keyops, where->region, &module));
    vault_module_facts(module, hknso);
    const struct kq_place place = {
        .kind = KQ_PLACE_VAULT,
        .hknso = kq_slice_of(hknso, sizeof hknso),
        .subscription = kq_slice_text(at.subscription),
        .vault = kq_slice_text(at.vault),
        .key_name = kq_slice_text(at.name),
        .key_version = kq_slice_text(at.version),
    };
    struct kq_audit_append_request params = {.event = kq_slice_text(event),
                                             .peer = fit(caller, PEER_MAX, peer_text),
                                             .detail = fit(detail, DETAIL_MAX, detail_text)};
    kq_place_put(&place, &writer);
    KQ_TRY(kq_writer_finish(&writer, &params.place));
    return kqc_mux_call(module->mux, KQ_OP_AUDIT_APPEND, &params, 0, NULL, &reply);
}
