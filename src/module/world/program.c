#include "base/ct.h"
#include "module/world/file.h"
#include "module/world/rows.h"

/* The quorum was collected for these params, hence for this very file; that
 * its secret is the file's is checked again, not concluded. */
static kq_status check_card_secret(struct hsm_call *call, const struct hsm_world_facts *facts)
{
    uint8_t check[32] = {0};
    if (call->quorum_secret.len == HSM_SECRET_LEN)
        hsm_quorum_check(call->quorum_secret.data, check);
    if (!kq_ct_bytes_are_equal(check, facts->file.quorum_check.data, sizeof check))
        return hsm_call_fail(call, KQ_ERR_QUORUM, "quorum: the cards are those of another world");
    return KQ_OK;
}

kq_status hsm_world_program_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_world_program_request *request = params;
    struct hsm_world_facts facts;
    const char *why = "";
    kq_status status = hsm_world_file_read(request->world_file, &facts, &why);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "world file: %s", why);
    if (facts.binding.kind != KQ_WORLD_OWNER)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED,
                             "world file: a region's or factory's; its cards authorise, they do not contain the "
                             "world. A module joins a region by request and admission");
    KQ_TRY(hsm_world_check_replaces(call, request->replaces_hknso));
    KQ_TRY(check_card_secret(call, &facts));
    KQ_AUTO_VALUE(hsm_world_secrets) secrets = {0};
    status = hsm_world_unseal(&facts, call->quorum_secret, &secrets);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "world file: its sealed part is damaged; use another copy");
    KQ_TRY(hsm_world_adopt(call->draft, &facts, &secrets, call->now));
    memcpy(call->audit_subject, facts.hknso, sizeof facts.hknso);
    call->has_audit_subject = true;
    const struct kq_world_reply reply = {
        .hknso = kq_slice_of(facts.hknso, sizeof facts.hknso),
        .world_file = request->world_file,
    };
    kq_world_reply_put(&reply, results);
    return KQ_OK;
}
