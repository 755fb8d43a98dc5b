#include "wire/join.h"

#include "module/privcrypto/seal.h"
#include "module/world/file.h"
#include "module/world/rows.h"
#include "module/world/secrets.h"
#include "module/world/statement.h"
#include "pubcrypto/hash.h"
#include "trust/chain.h"

#define RESUME_LABEL "keyquay/join-resume"
#define ADMISSION_LABEL "keyquay/join"
#define SHARED_MAX 66u /* x coordinate, P-521 at most */
#define SECRETS_MAX 8192u

static kq_status need_warrant(struct hsm_call *call)
{
    if (call->state->warrant.len == 0)
        return hsm_call_fail(call, KQ_ERR_STATE, "this module has no warrant; enrol it with the manufacturer first");
    return KQ_OK;
}

/* ---- the new module asks ---------------------------------------------------- */

/* Seals or opens the ephemeral private key under the module's own signing key. */
static kq_status seal_resume(const struct hsm_state *state, const struct hsm_key *ephemeral, struct kq_slice salt,
                             struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) own = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&own, KQ_PRIVATE_MAX);
    kq_buffer_init(&plain, KQ_PRIVATE_MAX);
    kq_buffer_init(out, 1024);
    KQ_TRY(hsm_key_bytes(state->module_key, &own));
    KQ_TRY(hsm_key_bytes(ephemeral, &plain));
    return hsm_seal(kq_buffer_slice(&own), salt, RESUME_LABEL, hsm_key_public(ephemeral), kq_buffer_slice(&plain), out);
}

static kq_status open_resume(const struct hsm_state *state, const struct kq_join_request *request, struct hsm_key **out)
{
    KQ_AUTO_VALUE(kq_buffer) own = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&own, KQ_PRIVATE_MAX);
    kq_buffer_init(&plain, KQ_PRIVATE_MAX);
    KQ_TRY(hsm_key_bytes(state->module_key, &own));
    KQ_TRY(hsm_unseal(kq_buffer_slice(&own), request->salt, RESUME_LABEL, request->ephemeral_public, request->resume,
                      &plain));
    return hsm_key_open(KQ_KEY_EC_P384, kq_buffer_slice(&plain), out);
}

kq_status hsm_world_join_request_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    (void)params;
    KQ_TRY(need_warrant(call));
    KQ_AUTO(hsm_key) ephemeral = NULL;
    KQ_TRY(hsm_key_generate(KQ_KEY_EC_P384, 384, 0, &ephemeral));
    uint8_t salt[32];
    hsm_random(salt, sizeof salt);
    KQ_AUTO_VALUE(kq_buffer) resume = {0};
    KQ_TRY(seal_resume(call->state, ephemeral, kq_slice_of(salt, sizeof salt), &resume));
    const struct kq_join_request request = {
        .esn = kq_slice_text(call->state->esn),
        .ephemeral_public = hsm_key_public(ephemeral),
        .salt = kq_slice_of(salt, sizeof salt),
        .resume = kq_buffer_slice(&resume),
        .time = call->now,
    };
    KQ_AUTO_VALUE(kq_buffer) statement = {0};
    KQ_TRY(hsm_sign_record(call->state->module_key, &kq_join_request_type, &request, &statement));
    const struct kq_join_request_file file = {
        .statement = kq_buffer_slice(&statement),
        .warrant = kq_buffer_slice(&call->state->warrant),
        .root = kq_buffer_slice(&call->state->root),
    };
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_TRY(hsm_encode(&kq_join_request_file_type, &file, &bytes));
    kq_file_put(&(struct kq_file){.file = kq_buffer_slice(&bytes)}, results);
    return KQ_OK;
}

/* ---- a member admits -------------------------------------------------------- */

/* Verifies a statement under the key of a warrant, and the warrant under its root. */
static kq_status verify_warranted(struct hsm_call *call, const char *what, struct kq_slice statement,
                                  struct kq_slice warrant, struct kq_slice root, struct kq_certificate *out_warrant,
                                  uint8_t out_root_hash[32], struct kq_slice *out_body)
{
    struct kq_certificate root_facts;
    kq_status status = kq_chain_verify_warrant(warrant, root, call->now, out_warrant, &root_facts, out_root_hash);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "%s: warrant to root: the warrant does not verify", what);
    status = kq_signed_verify(statement, out_warrant->public_key, out_body);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "%s: its signature does not verify under the warranted key", what);
    return KQ_OK;
}

static kq_status read_request(struct hsm_call *call, struct kq_slice bytes, struct kq_join_request_file *out_file,
                              struct kq_join_request *out)
{
    const char *field = "";
    kq_status status = kq_join_request_file_get(bytes, out_file, &field);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "join request: %s: not a whole request file", field);
    struct kq_certificate warrant;
    uint8_t root_hash[32];
    struct kq_slice body;
    KQ_TRY(verify_warranted(call, "join request", out_file->statement, out_file->warrant, out_file->root, &warrant,
                            root_hash, &body));
    status = kq_join_request_get(body, out, &field);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "join request: %s: not as expected", field);
    if (!kq_slice_is_text(out->esn, warrant.serial_number))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "join request: esn: is not the warrant's");
    if (hsm_state_find_root(call->draft, root_hash) == NULL)
        return hsm_call_fail(call, KQ_ERR_UNTRUSTED, "join request: the module's root is not on this world's list");
    return KQ_OK;
}

/* Seals the world's secrets so that only the requesting module opens them. */
static kq_status seal_admission(struct hsm_call *call, const struct hsm_key *ephemeral, struct kq_slice peer_public,
                                const struct kq_join_admission *admission, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(hsm_world_secrets) secrets = {0};
    KQ_AUTO_VALUE(kq_buffer) shared = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    KQ_AUTO_VALUE(kq_buffer) open_part = {0};
    kq_buffer_init(&shared, SHARED_MAX);
    kq_buffer_init(out, 2048);
    KQ_TRY(hsm_key_agree(ephemeral, peer_public, &shared));
    KQ_TRY(hsm_world_open_secrets(call, &secrets));
    KQ_TRY(hsm_world_secrets_encode(&secrets, &plain));
    KQ_TRY(hsm_encode(&kq_join_admission_type, admission, &open_part));
    return hsm_seal(kq_buffer_slice(&shared), admission->salt, ADMISSION_LABEL, kq_buffer_slice(&open_part),
                    kq_buffer_slice(&plain), out);
}

static kq_status sign_admission(struct hsm_call *call, struct kq_slice request_statement,
                                const struct kq_join_request *request, struct kq_buffer *out)
{
    KQ_AUTO(hsm_key) ephemeral = NULL;
    KQ_TRY(hsm_key_generate(KQ_KEY_EC_P384, 384, 0, &ephemeral));
    uint8_t request_hash[32];
    uint8_t salt[32];
    kq_sha256(request_statement, request_hash);
    hsm_random(salt, sizeof salt);
    const struct hsm_world *world = &call->state->world;
    struct kq_join_admission admission = {
        .request_hash = kq_slice_of(request_hash, sizeof request_hash),
        .esn = request->esn,
        .hknso = kq_slice_of(world->hknso, sizeof world->hknso),
        .world_file = kq_buffer_slice(&world->world_file),
        .ephemeral_public = hsm_key_public(ephemeral),
        .salt = kq_slice_of(salt, sizeof salt),
        .time = call->now,
    };
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_TRY(seal_admission(call, ephemeral, request->ephemeral_public, &admission, &sealed));
    admission.sealed = kq_buffer_slice(&sealed);
    return hsm_sign_record(call->state->module_key, &kq_join_admission_type, &admission, out);
}

kq_status hsm_world_admit_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_file *param = params;
    KQ_TRY(need_warrant(call));
    struct kq_join_request_file file;
    struct kq_join_request request;
    KQ_TRY(read_request(call, param->file, &file, &request));
    KQ_AUTO_VALUE(kq_buffer) statement = {0};
    kq_status status = sign_admission(call, file.statement, &request, &statement);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "join request: the world cannot be handed over to its key");
    kq_sha256(file.statement, call->audit_subject);
    call->has_audit_subject = true;
    const struct kq_join_admission_file admission = {
        .statement = kq_buffer_slice(&statement),
        .request = file.statement,
        .warrant = kq_buffer_slice(&call->state->warrant),
        .root = kq_buffer_slice(&call->state->root),
    };
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_TRY(hsm_encode(&kq_join_admission_file_type, &admission, &bytes));
    kq_file_put(&(struct kq_file){.file = kq_buffer_slice(&bytes)}, results);
    return KQ_OK;
}

/* ---- the new module joins --------------------------------------------------- */

/* The member must be warranted under the root that warranted this module. */
static kq_status read_admission(struct hsm_call *call, struct kq_slice bytes, struct kq_join_admission_file *out_file,
                                struct kq_join_admission *out)
{
    const char *field = "";
    kq_status status = kq_join_admission_file_get(bytes, out_file, &field);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "admission: %s: not a whole admission file", field);
    if (!kq_slice_is_equal(out_file->root, kq_buffer_slice(&call->state->root)))
        return hsm_call_fail(call, KQ_ERR_UNTRUSTED, "admission: root: not the root this module was enrolled under");
    struct kq_certificate warrant;
    uint8_t root_hash[32];
    struct kq_slice body;
    KQ_TRY(verify_warranted(call, "admission", out_file->statement, out_file->warrant, out_file->root, &warrant,
                            root_hash, &body));
    status = kq_join_admission_get(body, out, &field);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "admission: %s: not as expected", field);
    uint8_t request_hash[32];
    kq_sha256(out_file->request, request_hash);
    if (!kq_slice_is_text(out->esn, call->state->esn) ||
        !kq_slice_is_equal(out->request_hash, kq_slice_of(request_hash, sizeof request_hash)))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "admission: made for another module or request");
    return KQ_OK;
}

static kq_status open_own_request(struct hsm_call *call, struct kq_slice statement, struct hsm_key **out_ephemeral)
{
    struct kq_slice body;
    struct kq_join_request request;
    if (kq_signed_verify(statement, hsm_key_public(call->state->module_key), &body) != KQ_OK ||
        kq_join_request_get(body, &request, NULL) != KQ_OK ||
        open_resume(call->state, &request, out_ephemeral) != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "admission: request: this module did not make it");
    return KQ_OK;
}

static kq_status open_admission(struct kq_join_admission admission, const struct hsm_key *ephemeral,
                                const struct hsm_world_facts *facts, struct hsm_world_secrets *out)
{
    KQ_AUTO_VALUE(kq_buffer) shared = {0};
    KQ_AUTO_VALUE(kq_buffer) open_part = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&shared, SHARED_MAX);
    kq_buffer_init(&plain, SECRETS_MAX);
    struct kq_slice sealed = admission.sealed;
    admission.sealed = KQ_SLICE_EMPTY;
    KQ_TRY(hsm_key_agree(ephemeral, admission.ephemeral_public, &shared));
    KQ_TRY(hsm_encode(&kq_join_admission_type, &admission, &open_part));
    KQ_TRY(hsm_unseal(kq_buffer_slice(&shared), admission.salt, ADMISSION_LABEL, kq_buffer_slice(&open_part), sealed,
                      &plain));
    return hsm_world_secrets_decode(kq_buffer_slice(&plain), facts, out);
}

kq_status hsm_world_join_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_file *param = params;
    KQ_TRY(need_warrant(call));
    struct kq_join_admission_file file;
    struct kq_join_admission admission;
    KQ_TRY(read_admission(call, param->file, &file, &admission));
    KQ_AUTO(hsm_key) ephemeral = NULL;
    KQ_TRY(open_own_request(call, file.request, &ephemeral));
    struct hsm_world_facts facts;
    const char *why = "";
    kq_status status = hsm_world_file_read(admission.world_file, &facts, &why);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "admission: world_file: %s", why);
    if (facts.binding.kind != KQ_WORLD_REGION ||
        !kq_slice_is_equal(admission.hknso, kq_slice_of(facts.hknso, sizeof facts.hknso)))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "admission: world_file: not the region's world it names");
    KQ_AUTO_VALUE(hsm_world_secrets) secrets = {0};
    status = open_admission(admission, ephemeral, &facts, &secrets);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "admission: sealed: does not open");
    KQ_TRY(hsm_world_adopt(call->draft, &facts, &secrets, call->now));
    memcpy(call->audit_subject, facts.hknso, sizeof facts.hknso);
    call->has_audit_subject = true;
    const struct kq_world_reply reply = {
        .hknso = kq_slice_of(facts.hknso, sizeof facts.hknso),
        .world_file = admission.world_file,
    };
    kq_world_reply_put(&reply, results);
    return KQ_OK;
}
