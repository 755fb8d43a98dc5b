#include "module/world/rows.h"
#include "module/world/trust.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/x509.h"
#include "trust/chain.h"

kq_status hsm_enrol_request_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    (void)params;
    const struct hsm_key *key = call->state->module_key;
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    KQ_AUTO_VALUE(kq_buffer) request = {0};
    kq_buffer_init(&body, KQ_CERT_MAX);
    kq_buffer_init(&signature, KQ_SIGNATURE_MAX);
    kq_buffer_init(&request, KQ_CERT_MAX);
    KQ_TRY(kq_enrolment_body(hsm_key_public(key), call->state->esn, &body));
    KQ_TRY(hsm_key_sign_bytes(key, kq_buffer_slice(&body), &signature));
    KQ_TRY(kq_x509_assemble(kq_buffer_slice(&body), kq_buffer_slice(&signature), &request));
    kq_file_put(&(struct kq_file){.file = kq_buffer_slice(&request)}, results);
    return KQ_OK;
}

/* What is loaded was made under the former root, so another one comes only
 * where nothing depends on it, or instead of a rehearsal, which is trusted no longer then. */
static kq_status leave_former_root(struct hsm_call *call, const uint8_t root_hash[32])
{
    const struct hsm_state *state = call->state;
    if (state->root.len == 0)
        return KQ_OK;
    struct kq_certificate former;
    KQ_TRY(kq_certificate_get(kq_buffer_slice(&state->root), &former));
    uint8_t former_hash[32];
    kq_sha256(former.public_key, former_hash);
    if (memcmp(former_hash, root_hash, sizeof former_hash) == 0)
        return KQ_OK;
    if (state->world.kind != 0 && !former.is_rehearsal)
        return hsm_call_fail(call, KQ_ERR_STATE,
                             "root: this module is enrolled under another root; forget its world before changing that");
    kq_ignore(hsm_trust_remove(call->draft, KQ_TRUST_ROOTS, former_hash), "it need not be on the list");
    return KQ_OK;
}

static kq_status replace_bytes(struct kq_buffer *buffer, struct kq_slice bytes)
{
    kq_buffer_clear(buffer);
    kq_buffer_init(buffer, KQ_CERT_MAX);
    return kq_buffer_append(buffer, bytes.data, bytes.len);
}

kq_status hsm_enrol_install_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_enrol_install_request *request = params;
    struct kq_certificate warrant;
    struct kq_certificate root;
    uint8_t root_hash[32];
    kq_status status = kq_chain_verify_warrant(request->warrant, request->root, call->now, &warrant, &root, root_hash);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "warrant to root: does not verify; ask the manufacturer for both again");
    if (!kq_slice_is_equal(warrant.public_key, hsm_key_public(call->state->module_key)))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "warrant: made for another module's key");
    if (!kq_slice_is_text(kq_slice_text(warrant.serial_number), call->state->esn))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "warrant: names ESN %s, this module is %s", warrant.serial_number,
                             call->state->esn);
    KQ_TRY(leave_former_root(call, root_hash));
    KQ_TRY(replace_bytes(&call->draft->warrant, request->warrant));
    KQ_TRY(replace_bytes(&call->draft->root, request->root));
    memcpy(call->audit_subject, root_hash, sizeof root_hash);
    call->has_audit_subject = true;
    kq_record_put(&kq_nothing_type, &(struct kq_nothing){0}, results);
    return KQ_OK;
}
