#include "base/text.h"
#include "module/privcrypto/seal.h"
#include "module/world/rows.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/x509.h"

/* Certificates begin a day early: an owner's offline workstation whose clock
 * runs behind must not refuse fresh packages. */
#define CLOCK_SKEW_S 86400u

/* Signs a certificate body with the root key. */
static kq_status issue(const struct hsm_key *root_key, struct kq_certificate_request *request, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&body, KQ_CERT_MAX);
    kq_buffer_init(&signature, KQ_SIGNATURE_MAX);
    kq_buffer_init(out, KQ_CERT_MAX);
    hsm_random(request->serial, sizeof request->serial);
    KQ_TRY(kq_certificate_body(request, &body));
    KQ_TRY(hsm_key_sign_bytes(root_key, kq_buffer_slice(&body), &signature));
    return kq_x509_assemble(kq_buffer_slice(&body), kq_buffer_slice(&signature), out);
}

kq_status hsm_factory_root_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_factory_root_request *params_root = params;
    if (call->state->factory_root != NULL)
        return hsm_call_fail(call, KQ_ERR_EXISTS,
                             "this factory has its root already; a second one needs a world of "
                             "its own");
    if (params_root->not_after <= call->now)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "not_after: lies in the past");
    char name[65];
    if (!kq_text_copy(params_root->name, name, sizeof name))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "name: too long");
    KQ_AUTO(hsm_key) key = NULL;
    KQ_TRY(hsm_key_generate(KQ_KEY_EC_P384, 384, 0, &key));
    bool is_rehearsal = params_root->rehearsal == 1;
    struct kq_certificate_request request = {
        .subject_public = hsm_key_public(key),
        .common_name = name,
        .is_authority = true,
        .is_rehearsal = is_rehearsal,
        .issuer_common_name = name,
        .issuer_is_rehearsal = is_rehearsal,
        .issuer_public = hsm_key_public(key),
        .not_before = call->now - CLOCK_SKEW_S,
        .not_after = params_root->not_after,
    };
    KQ_AUTO_VALUE(kq_buffer) certificate = {0};
    KQ_TRY(issue(key, &request, &certificate));
    hsm_key_public_hash(key, call->audit_subject);
    call->has_audit_subject = true;
    kq_buffer_clear(&call->draft->factory_root_certificate);
    kq_buffer_init(&call->draft->factory_root_certificate, KQ_CERT_MAX);
    KQ_TRY(kq_buffer_append(&call->draft->factory_root_certificate, certificate.data, certificate.len));
    call->draft->factory_root = KQ_TAKE(key);
    kq_file_put(&(struct kq_file){.file = kq_buffer_slice(&certificate)}, results);
    return KQ_OK;
}

kq_status hsm_factory_warrant_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_factory_warrant_request *params_warrant = params;
    const struct hsm_key *root_key = call->state->factory_root;
    if (root_key == NULL)
        return hsm_call_fail(call, KQ_ERR_STATE, "this factory has no root yet; make it first");
    struct kq_certificate root;
    KQ_TRY(kq_certificate_get(kq_buffer_slice(&call->state->factory_root_certificate), &root));
    char esn[KQ_ESN_LEN + 1];
    struct kq_slice module_public;
    kq_status status = kq_enrolment_get(params_warrant->enrolment, esn, &module_public);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "enrolment: not a request signed by its own module key");
    if (params_warrant->not_after <= call->now || params_warrant->not_after > root.not_after)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "not_after: must lie between now and the root's own end date");
    struct kq_certificate_request request = {
        .subject_public = module_public,
        .common_name = esn,
        .serial_number = esn,
        .issuer_common_name = root.common_name,
        .issuer_is_rehearsal = root.is_rehearsal,
        .issuer_public = root.public_key,
        .not_before = call->now - CLOCK_SKEW_S,
        .not_after = params_warrant->not_after,
    };
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    KQ_TRY(issue(root_key, &request, &warrant));
    kq_sha256(module_public, call->audit_subject);
    call->has_audit_subject = true;
    kq_file_put(&(struct kq_file){.file = kq_buffer_slice(&warrant)}, results);
    return KQ_OK;
}
